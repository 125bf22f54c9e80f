"""Logs: JSON lines that name events and never carry what people typed."""

import json
import logging

import pytest
import structlog

from backend.kit.observability import log


def fail_with(password: str) -> None:
    raise ValueError(len(password))


def test_a_failure_is_logged_without_the_values_in_reach(capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback in the log names places, not the local variables, which hold passwords and tokens."""
    log.configure("INFO")
    try:
        fail_with("the password somebody typed")
    except ValueError as error:
        log.get("test").error("failed", exc_info=error)
    finally:
        structlog.reset_defaults()
    line = capsys.readouterr().err.strip()
    assert json.loads(line)["event"] == "failed"
    assert "somebody typed" not in line


def test_what_a_library_says_badly_does_not_fail_its_call(capsys: pytest.CaptureFixture[str]) -> None:
    """A library's line whose words do not fit its template is told on standard error; whoever logged it goes on."""
    log._FromLibraries().emit(logging.makeLogRecord({"name": "uvicorn", "msg": "%d of %d", "args": ("one",)}))
    assert "Logging error" in capsys.readouterr().err
