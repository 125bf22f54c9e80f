"""Shared widgets. They draw, and ask no service."""
