"""Opening the demo school: where it is refused, that it can be finished, and that the seed decides."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.demo import is_unfinished, open_school
from backend.demo.queries import DemoQueries, Opened
from backend.demo.school import LEFT_ALONE
from backend.errors import Conflict, NotAllowed
from backend.kit.clock import SetClock
from backend.kit.embedded import Servers
from backend.kit.embedded.folder import DataFolder
from tests.demo.builders import digest, empty_school, users
from tests.school import NOON, School

COUNT = 8
TINY: dict[str, Any] = {"count": COUNT, "days": 12}


class Interrupted(Exception):
    """What a test raises to stop an opening in the middle."""


def interrupt(done: int, _total: int, _line: str) -> None:
    if done == COUNT // 2:
        raise Interrupted


@pytest.fixture(scope="module")
def wanted(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the small school of the usual seed holds."""
    with empty_school(servers, tmp_path_factory.mktemp("demo")) as backend:
        open_school(backend, **TINY)
        return digest(backend)


def test_the_same_seed_gives_the_same_school(backend: Backend, wanted: dict[str, object]) -> None:
    """An opening in another database agrees in every student's choices and work."""
    open_school(backend, **TINY)
    assert digest(backend) == wanted


def test_an_interrupted_opening_is_finished_by_the_next(backend: Backend, wanted: dict[str, object]) -> None:
    """Even a day later and with other numbers: what was saved stays, what was missing is added, nothing twice."""
    with pytest.raises(Interrupted):
        open_school(backend, on_progress=interrupt, **TINY)
    assert is_unfinished(backend)
    assert isinstance(backend.clock, SetClock)
    backend.clock.advance(timedelta(days=1))
    open_school(backend, count=99, days=99, seed=1)
    assert not is_unfinished(backend)
    assert digest(backend) == wanted


def test_progress_is_told_up_to_the_end(backend: Backend) -> None:
    """The callback counts from 0 to all students without a step back, with words to each."""
    told: list[tuple[int, int, str]] = []
    open_school(backend, on_progress=lambda *stage: told.append(stage), **TINY)
    assert [done for done, _total, _line in told] == list(range(COUNT + 1))
    assert {total for _done, total, _line in told} == {COUNT}
    assert all(line for _done, _total, line in told)


def test_production_refuses(settings: Settings) -> None:
    """A production start makes no demo people, unless the school says so."""
    secret = {"jwt_secret": "a long enough secret for the tests of production"}
    production = Settings(**{**settings.model_dump(), "environment": "production", **secret})
    backend = build(production, clock=SetClock(NOON))
    try:
        with pytest.raises(NotAllowed):
            open_school(backend, **TINY)
        assert not backend.registration.has_users()
        assert not is_unfinished(backend)
    finally:
        backend.mongo.client.drop_database(production.mongodb_database)
        backend.close()


def test_a_school_with_people_refuses(backend: Backend, school: School) -> None:
    """Where the administrator exists, no demo people are made and no trace is left."""
    school.admin()
    with pytest.raises(Conflict):
        open_school(backend, **TINY)
    assert len(users(backend)) == 1
    assert not is_unfinished(backend)


def test_a_whole_demo_school_is_not_opened_again(backend: Backend) -> None:
    """The second opening says that it is there already, by its own code."""
    open_school(backend, **TINY)
    with pytest.raises(Conflict) as refused:
        open_school(backend, **TINY)
    assert refused.value.code == "demo_open"


def test_two_do_not_open_it_at_once(backend: Backend) -> None:
    """While one works on it the other is told to wait; what was left alone can be taken over."""
    notes, now = DemoQueries(backend.mongo), backend.clock.now()
    notes.begin(Opened(seed=3, learners=8, days=12, opened_at=now, touched_at=now))
    assert isinstance(backend.clock, SetClock)
    backend.clock.advance(LEFT_ALONE / 2)
    with pytest.raises(Conflict) as refused:
        open_school(backend, **TINY)
    assert refused.value.code == "demo_busy"
    backend.clock.advance(LEFT_ALONE / 2)
    assert len(open_school(backend, **TINY).students) == COUNT


def test_nothing_made_leaves_no_trace(backend: Backend) -> None:
    """Interrupted before the first account, the first visit is as it was."""

    def stop(_done: int, _total: int, _line: str) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        open_school(backend, on_progress=stop, **TINY)
    assert not backend.registration.has_users()
    assert DemoQueries(backend.mongo).opened() is None


def test_the_note_survives_its_document(backend: Backend) -> None:
    """What is noted of an opening comes back as it was."""
    now = backend.clock.now()
    noted = Opened(seed=3, learners=8, days=12, opened_at=now, touched_at=now)
    notes = DemoQueries(backend.mongo)
    assert notes.begin(noted)
    assert asdict(notes.opened() or Opened(seed=0, learners=0, days=0, opened_at=now)) == asdict(noted)
    assert not notes.begin(noted)


def test_the_command_says_where_else_to_open_it(tmp_path: Path) -> None:
    """On a data folder in use the command ends at once and points to the first page."""
    lock = DataFolder(tmp_path).lock(lambda _line: None)
    environment = {name: value for name, value in os.environ.items() if name not in ("MONGODB_URI", "REDIS_URL")}
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "backend.demo"],
            env=environment | {"DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(lock)
    assert ended.returncode == 1
    assert "in use" in ended.stderr
    assert "first page" in ended.stderr
    assert "Traceback" not in ended.stderr
