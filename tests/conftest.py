"""Fixtures for every test; they are made elsewhere and only imported here."""

from tests.servers import servers

__all__ = ["servers"]
