"""The tests of what the drivers do inside (retry, selection of a server, pools) hold for these minor versions."""

from importlib.metadata import version

import pytest

WRITTEN_FOR = {
    "pymongo": (
        "4.20",
        "tests/kit/mongo and tests/reliability/test_primary_lost.py",
    ),
    "redis": ("8.1", "tests/kit/redis and tests/reliability/test_redis_lost.py"),
}


@pytest.mark.parametrize("driver", WRITTEN_FOR)
def test_drivers_are_those_that_their_tests_were_written_for(driver: str) -> None:
    """With another minor version, first read again what the product uses of the driver's internals."""
    minor, tests = WRITTEN_FOR[driver]
    assert version(driver).startswith(f"{minor}."), f"read {tests} again, and say {version(driver)} here"
