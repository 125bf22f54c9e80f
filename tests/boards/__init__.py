"""Facts about backend.boards."""
