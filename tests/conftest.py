"""Fixtures for every test; they are made elsewhere and only imported here."""

from tests.pages.at_path import browser
from tests.pages.signed_in import open_page
from tests.school import backend, clock, school, settings, student
from tests.servers import servers

__all__ = ["backend", "browser", "clock", "open_page", "school", "servers", "settings", "student"]
