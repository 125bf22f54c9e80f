"""Backups of a real school: taken, thinned out, drilled, restored to a time, and taken back."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from backend.accounts.models import Viewer
from backend.backups.models import AT_TERMINAL
from backend.backups.recorder import Recorder
from backend.backups.retention import kept
from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.errors import Conflict, Invalid, NotAllowed, NotFound, Unavailable
from backend.kit.clock import SetClock
from backend.progress.models import ProgressChange
from tests.school import NOON, School
from tests.waiting import until

INDIA = ZoneInfo("Asia/Kolkata")


@pytest.fixture
def learner(school: School, admin: Viewer) -> Viewer:
    """A student of a class."""
    return school.student(school.classroom(school.teacher(admin)))


@pytest.fixture
def recorder(backend: Backend) -> Iterator[Recorder]:
    """The journal, written at a test's pace."""
    place = backend.settings.backup_place
    made = Recorder(backend.backups, backend.restores._queries, place=place, every_seconds=0.2, quiet_seconds=0.4)
    stop = threading.Event()
    thread = threading.Thread(target=made.run, args=(stop,))
    thread.start()
    yield made
    stop.set()
    thread.join()


def solve(backend: Backend, learner: Viewer, number: int) -> None:
    """Save `number` more questions on the first chapter."""
    chapter = backend.chapters.active()[0]
    backend.progress.change(learner, chapter.id, ProgressChange(questions_delta=number), key=f"k{time.monotonic_ns()}")


def solved(backend: Backend, learner: Viewer) -> int:
    """How many questions the student has solved in all."""
    return backend.overview.summary(learner).total.solved


def server_now(backend: Backend) -> datetime:
    """The server's time, by which a journal is read."""
    found: datetime = backend.mongo.client.admin.command("hello")["localTime"]
    return found.astimezone(UTC)


def test_a_backup_is_whole_and_listed(backend: Backend, admin: Viewer, learner: Viewer) -> None:
    """What was taken is listed newest first, verified, written down, and holds no session."""
    solve(backend, learner, 5)
    taken = backend.backups.take()
    assert backend.backups.backups(admin) == (taken,)
    assert backend.backups.verify(taken.id) == taken
    assert backend.backups.state().last == taken
    names = {each.name for each in backend.backups.archive(taken.id).manifest().collections}
    assert {"users", "progress", "activity", "summaries", "audit"} <= names
    assert not {"sessions", "tickets", "leases"} & names


def test_only_admins_see_and_restore(backend: Backend, learner: Viewer) -> None:
    """Neither the list, nor a preview, nor a restore is for anybody else."""
    for call in (
        backend.backups.backups,
        backend.restores.preview,
        backend.restores.restore,
        backend.restores.roll_back,
    ):
        with pytest.raises(NotAllowed):
            call(learner)


def test_a_failed_backup_is_remembered_and_leaves_nothing(backend: Backend, tmp_path: Path) -> None:
    """Where the place does not take it, it says why until one succeeds."""
    place = Path(backend.settings.backup_place)
    place.parent.mkdir(exist_ok=True)
    place.write_text("a file stands where the folder should be")
    with pytest.raises(Unavailable, match="backup failed"):
        backend.backups.take()
    place.unlink()
    assert "Not a directory" in backend.backups.state().failure
    backend.backups.take()
    assert backend.backups.state().failure == ""


def test_a_drill_finds_what_is_wrong(backend: Backend, learner: Viewer) -> None:
    """A good backup passes and leaves no database behind; one of figures that disagree does not."""
    solve(backend, learner, 5)
    backend.backups.take()
    assert backend.backups.drill().has_passed
    assert backend.backups.state().drill == backend.restores._queries.drill()
    assert not [name for name in backend.mongo.client.list_database_names() if name.endswith("_drill")]

    backend.mongo["progress"].update_one({}, {"$inc": {"questionSolved": 1}})
    backend.backups.take()
    (by_student, by_chapter) = backend.backups.drill().problems
    assert "studentId" in by_student and "chapterId" in by_chapter


def test_a_restore_brings_everything_back(backend: Backend, admin: Viewer, learner: Viewer) -> None:
    """Later work is gone, caches and boards too; sessions and the audit trail stay; rolling back undoes it."""
    solve(backend, learner, 5)
    taken = backend.backups.take()
    solve(backend, learner, 20)
    assert solved(backend, learner) == 25
    preview = backend.restores.preview(admin)
    assert {each.name: (each.now, each.then) for each in preview.collections}["activity"] == (2, 1)

    backend.restores.restore(admin, backup_id=taken.id)
    assert solved(backend, learner) == 5
    assert backend.accounts.me(admin).id == admin.id
    acts = [entry.act for entry in backend.audit.entries(admin).entries]
    assert "backup.restored" in acts
    solve(backend, learner, 1)

    backend.restores.roll_back(admin)
    assert solved(backend, learner) == 25
    with pytest.raises(NotFound):
        backend.restores.roll_back(admin)


def test_every_process_forgets_what_it_knew(backend: Backend, settings: Settings, learner: Viewer) -> None:
    """A restore by a process that has read nothing, as at the terminal, empties the cache that others read from."""
    solve(backend, learner, 5)
    backend.backups.take()
    solve(backend, learner, 20)
    assert solved(backend, learner) == 25
    at_terminal = build(settings, clock=backend.clock)
    try:
        at_terminal.restores.restore(AT_TERMINAL)
        assert solved(backend, learner) == 5
        at_terminal.restores.roll_back(AT_TERMINAL)
        assert solved(backend, learner) == 25
    finally:
        at_terminal.close()


def test_what_a_restore_put_away_is_in_no_backup(backend: Backend, admin: Viewer, learner: Viewer) -> None:
    """The archive after a restore holds the school once, and so does its preview."""
    solve(backend, learner, 5)
    backend.backups.take()
    backend.restores.restore(admin)
    taken = backend.backups.take()
    names = {each.name for each in backend.backups.archive(taken.id).manifest().collections}
    assert backend.backups.state().can_roll_back
    assert not [name for name in names if name.startswith(("replaced_", "restoring_"))]
    assert not [each.name for each in backend.restores.preview(admin).collections if each.name.startswith("replaced_")]


def test_an_empty_machine_gets_the_whole_school(
    backend: Backend, admin: Viewer, learner: Viewer, settings: Settings, clock: SetClock
) -> None:
    """On a new database the archive brings people, work and the audit trail, which goes on unbroken."""
    solve(backend, learner, 5)
    entries = backend.audit.entries(admin).entries
    backend.backups.take()
    fresh = build(settings.model_copy(update={"mongodb_database": f"{settings.mongodb_database}_new"}), clock=clock)
    try:
        fresh.restores.restore(AT_TERMINAL)
        assert solved(fresh, learner) == 5
        assert fresh.audit.check_all().broken_at is None
        later = fresh.audit.entries(admin).entries
        assert all(each in later for each in entries)
    finally:
        fresh.mongo.client.drop_database(fresh.settings.mongodb_database)
        fresh.close()


def test_who_was_deleted_stays_deleted(backend: Backend, admin: Viewer, learner: Viewer, clock: SetClock) -> None:
    """A backup from before a deletion brings that person's data not back."""
    solve(backend, learner, 5)
    backend.backups.take()
    backend.rights.request(learner)
    for _month in range(2):  # first the account is closed, later its data is deleted
        clock.advance(timedelta(days=60))
        backend.rights.fulfil_due()
    assert backend.mongo["users"].find_one({"_id": learner.id}) is None
    backend.restores.restore(AT_TERMINAL)
    assert backend.mongo["users"].find_one({"_id": learner.id}) is None
    assert backend.mongo["activity"].count_documents({"studentId": learner.id}) == 0


def test_the_journal_leads_back_to_any_second(
    backend: Backend, admin: Viewer, learner: Viewer, recorder: Recorder
) -> None:
    """Of changes a second apart, exactly those up to the time are there; times out of reach are refused."""
    until(lambda: backend.backups.state().journal_until is not None)
    backend.backups.take()
    at: dict[int, datetime] = {}
    for total in (1, 2, 3):
        solve(backend, learner, 1)
        at[total] = server_now(backend)
        time.sleep(1.1)
    reached = at[3] + timedelta(seconds=1)
    until(lambda: (backend.backups.state().journal_until or at[1]) > reached)

    with pytest.raises(Invalid, match="reaches"):
        backend.restores.preview(admin, until=server_now(backend) + timedelta(hours=1))
    with pytest.raises(Invalid, match="reaches"):
        backend.restores.preview(admin, until=datetime(2182, 1, 1, tzinfo=UTC))
    with pytest.raises(NotFound):
        backend.restores.preview(admin, until=datetime(2026, 1, 1, tzinfo=UTC))
    backend.restores.restore(admin, until=at[2])
    assert solved(backend, learner) == 2
    assert backend.mongo["activity"].count_documents({}) == 2


def test_nobody_saves_while_the_school_is_exchanged(backend: Backend, learner: Viewer) -> None:
    """A save meanwhile is refused with a sentence, and possible again right after."""
    with backend.mongo.writes_blocked():
        with pytest.raises(Unavailable, match="being restored") as refused:
            solve(backend, learner, 1)
        assert refused.value.code == "read_only"
    solve(backend, learner, 1)


def test_two_restores_do_not_meet(backend: Backend, admin: Viewer) -> None:
    """The second is refused while the first is under way."""
    backend.backups.take()
    with backend.restores._alone(), pytest.raises(Conflict):
        backend.restores.restore(admin)


def test_a_damaged_backup_touches_nothing(backend: Backend, admin: Viewer, learner: Viewer) -> None:
    """A restore that finds damage half-way leaves the school as it is."""
    solve(backend, learner, 5)
    taken = backend.backups.take()
    file = Path(backend.settings.backup_place) / taken.id / "users.bson.zst"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(Unavailable, match="damaged"):
        backend.restores.restore(admin)
    assert solved(backend, learner) == 5
    assert not [name for name in backend.mongo.database.list_collection_names() if name.startswith("restoring_")]


def test_old_backups_are_thinned_out(backend: Backend, clock: SetClock) -> None:
    """Two a day for ten days: seven days stay with their newest one each, those of older weeks and months, and all of
    the last day: whoever takes one now does not lose that of the night."""
    start, gone = clock.now(), list[str]()
    for half_day in range(21):
        clock.set(start + timedelta(hours=12 * half_day))
        backend.backups.take()
        gone += backend.backups.thin_out()
    every = backend.backups.every()
    of_night = every[1]
    assert every[0].taken_at - of_night.taken_at == timedelta(hours=12)
    others = [each for each in every if each != of_night]
    assert len({each.taken_at.astimezone(INDIA).date() for each in others}) == len(others)
    assert 7 <= len(others) <= 9
    assert gone


def test_what_is_kept_of_three_years() -> None:
    """One backup a night for three years: 7 daily, 4 weekly and 12 monthly ones, the newest among them."""
    nights = [datetime(2024, 1, 1, 20, 30, tzinfo=UTC) + timedelta(days=number) for number in range(1096)]
    taken = {f"{at:%Y-%m-%d}": at for at in nights}
    wanted = kept(taken, INDIA)
    assert max(taken) in wanted
    assert {f"{at:%Y-%m-%d}" for at in nights[-7:]} <= wanted
    assert len({(taken[each].astimezone(INDIA).year, taken[each].astimezone(INDIA).month) for each in wanted}) == 12
    assert len(wanted) <= 7 + 4 + 12


DIES = """
import os, signal, sys
from pathlib import Path
from pydantic import SecretStr
from backend.bootstrap import build
from backend.config import Settings
uri, redis, database, folder = sys.argv[1:]
servers = dict(mongodb_uri=SecretStr(uri), redis_url=SecretStr(redis), mongodb_database=database)
backend = build(Settings(data_dir=Path(folder), **servers))
write = type(backend.backups._store).write
def dies_on_the_way(store, name, chunks):
    def cut():
        yield next(iter(chunks))
        os.kill(os.getpid(), signal.SIGKILL)
    write(store, name, cut() if "users" in name else chunks)
type(backend.backups._store).write = dies_on_the_way
backend.backups.take()
"""


def test_what_a_killed_backup_left_is_swept(backend: Backend, admin: Viewer) -> None:
    """After kill -9 in the middle nothing is touched while that backup may be under way, and all of it goes after."""
    settings = backend.settings
    assert settings.mongodb_uri and settings.redis_url
    servers = (settings.mongodb_uri.get_secret_value(), settings.redis_url.get_secret_value())
    command = [sys.executable, "-c", DIES, *servers, settings.mongodb_database, str(settings.data_dir)]
    assert subprocess.run(command, check=False, timeout=120).returncode == -signal.SIGKILL
    place = Path(settings.backup_place)
    (left,) = place.iterdir()
    assert {each.suffix for each in left.iterdir()} == {".part", ".zst"}

    assert backend.backups.take_and_tidy().swept == ()
    assert left.exists()
    over = {"_id": f"taking:{left.name}"}
    assert backend.mongo["leases"].update_one(over, {"$set": {"expiresAt": NOON}}).matched_count == 1
    taken = backend.backups.take_and_tidy()
    assert taken.swept == (left.name,)
    assert not left.exists()
    assert len(list(place.iterdir())) == len(backend.backups.every()) == 2
    assert backend.backups.sweep() == ()
    assert backend.mongo["leases"].count_documents({"_id": {"$regex": "^taking:"}}) == 0
