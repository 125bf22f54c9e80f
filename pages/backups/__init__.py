"""The backups page."""
