"""Fixtures for every test; they are made elsewhere and only imported here."""

from tests.pages.at_path import browser
from tests.pages.signed_in import open_page, own_main_module
from tests.school import backend, clock, school, settings, student
from tests.servers import servers

__all__ = ["backend", "browser", "clock", "open_page", "own_main_module", "school", "servers", "settings", "student"]
