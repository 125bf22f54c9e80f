"""Pages of signing in, one’s own settings, and users."""
