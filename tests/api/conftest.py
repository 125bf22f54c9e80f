"""Fixtures of the API's tests; they are made elsewhere and only imported here."""

from tests.api.caller import door

__all__ = ["door"]
