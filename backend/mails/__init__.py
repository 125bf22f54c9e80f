"""Mail that the school sends: the outbox, its delivery, and the words of each letter."""
