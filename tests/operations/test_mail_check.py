"""What health says of mail."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.mails.models import OutboxState
from backend.operations.checks import mail

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG_AGO, JUST_NOW = NOW - timedelta(hours=30), NOW - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (OutboxState(is_configured=False), "info"),
        (OutboxState(is_configured=True), "ok"),
        (OutboxState(is_configured=True, queued=3, oldest_at=JUST_NOW), "ok"),
        (OutboxState(is_configured=True, queued=3, oldest_at=LONG_AGO), "warning"),
        (OutboxState(is_configured=True, failed=1, last_failure="550 no", last_failed_at=JUST_NOW), "warning"),
        (OutboxState(is_configured=True, failed=1, last_failure="550 no", last_failed_at=LONG_AGO), "ok"),
    ],
)
def test_what_wants_a_look(found: OutboxState, state: str) -> None:
    """Letters that wait long and one given up lately; a school without mail is told so, and not alarmed."""
    said = mail(found, NOW)
    assert said.state == state
    assert bool(said.fix) is (state in ("info", "warning"))
