"""Deployment: files for the servers that a school runs beside the app, and the plans for their size."""
