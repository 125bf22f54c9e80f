"""Facts about the mechanisms."""
