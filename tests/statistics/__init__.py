"""Facts about backend.statistics."""
