"""Fixtures for every test; they are made elsewhere and only imported here."""

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.pages.at_path import browser
from tests.pages.signed_in import open_page, own_main_module
from tests.school import admin, backend, classroom, clock, school, settings, student, teacher
from tests.servers import servers

__all__ = [
    "admin",
    "backend",
    "browser",
    "classroom",
    "clock",
    "open_page",
    "own_main_module",
    "school",
    "servers",
    "settings",
    "student",
    "teacher",
]

# A machine that is busy with other tests is slow, and no property under test is at fault for it.
hypothesis_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("patient")
