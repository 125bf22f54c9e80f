"""Fixtures of the journeys; they are made elsewhere and only imported here."""

from tests.journeys.running import chromium, visitors, windows
from tests.journeys.school import served

__all__ = ["chromium", "served", "visitors", "windows"]
