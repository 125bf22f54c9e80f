"""Fixtures and plugins for every test; they are made elsewhere and only named here."""

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.argon2 import cheap_argon2, production_argon2
from tests.kit.redis.valkey_process import valkey, valkey_or_redis
from tests.pages.at_path import browser
from tests.pages.signed_in import open_page, own_main_module
from tests.quiet_commands import log_as_it_is
from tests.school import (
    admin,
    admin_user,
    backend,
    classroom,
    clock,
    own_backend,
    own_settings,
    school,
    settings,
    shared_database,
    shared_databases,
    student,
    teacher,
    two_students,
)
from tests.servers import mongodb_log, servers, servers_folder

pytest_plugins = ["tests.plugins.quick", "tests.plugins.order", "tests.plugins.reporting"]  # the second needs the first

__all__ = [
    "admin",
    "admin_user",
    "backend",
    "browser",
    "cheap_argon2",
    "classroom",
    "clock",
    "log_as_it_is",
    "mongodb_log",
    "open_page",
    "own_backend",
    "own_main_module",
    "own_settings",
    "production_argon2",
    "school",
    "servers",
    "servers_folder",
    "settings",
    "shared_database",
    "shared_databases",
    "student",
    "teacher",
    "two_students",
    "valkey",
    "valkey_or_redis",
]

# A machine that is busy with other tests is slow, and no property under test is at fault for it.
hypothesis_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("patient")
