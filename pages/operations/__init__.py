"""Pages of system health."""
