"""Commands that a test runs in its own process."""

from types import SimpleNamespace

import pytest


@pytest.fixture(autouse=True)
def log_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command leaves the log alone: a logger keeps the level at which it wrote first, for the tests that follow."""
    monkeypatch.setattr("backend.terminal.log", SimpleNamespace(configure=lambda _level: None))
