"""Putting a school back wants the password given just now, however one is signed in."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from backend.backups.models import Task
from backend.bootstrap import Backend
from backend.errors import NotAllowed
from backend.kit.clock import SetClock
from tests.school import PASSWORD, School


def test_an_old_sign_in_puts_nothing_back(backend: Backend, school: School, clock: SetClock) -> None:
    """Neither a restore nor its undoing begins six minutes after the password was given; with it they may."""
    admin = school.admin()
    backend.backups.take()
    clock.advance(timedelta(minutes=6))
    calls: tuple[Callable[[], Task], ...] = (
        lambda: backend.backup_tasks.restore(admin),
        lambda: backend.backup_tasks.roll_back(admin),
    )
    for call in calls:
        with pytest.raises(NotAllowed) as refused:
            call()
        assert refused.value.code == "reauthentication_needed"
    assert backend.backup_tasks.current(admin) is None
    backend.accounts.reauthenticate(admin, PASSWORD)
    assert backend.backup_tasks.restore(admin).state == "running"
