"""Long work on backups that somebody asked for, and the letters when a school is not kept as it should be."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from backend.accounts.models import Viewer
from backend.backups.models import Task
from backend.backups.recorder import Recorder
from backend.backups.tasks import LANE
from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.errors import Conflict, NotAllowed, NotFound, Unavailable
from backend.kit.archive.journal import Journal, PlaceLost, covered
from backend.kit.clock import SetClock
from backend.kit.mongo.client import new_id
from backend.kit.schedule.runs import Asked, Run
from tests.backups.tasks import ended
from tests.mails.post_office import Opened, PostOffice, open_post, text_of
from tests.school import School
from tests.waiting import until

__all__ = ["open_post"]


def test_a_backup_taken_by_hand(backend: Backend, admin: Viewer) -> None:
    """It begins at once, ends with its number of documents, is listed, and the trail says who asked."""
    assert backend.backup_tasks.current(admin) is None
    assert backend.backup_tasks.take(admin).state == "running"
    task = ended(backend, admin)
    (kept,) = backend.backups.report(admin).backups
    assert (task.state, task.share, task.kind) == ("done", 1.0, "take")
    assert str(kept.backup.documents) in task.message.replace(",", "")
    entry = next(each for each in backend.audit.entries(admin).entries if each.act == "backup.created")
    assert (entry.actor_id, entry.target_id) == (admin.id, kept.backup.id)


def test_what_was_found_stays_with_the_backup(backend: Backend, admin: Viewer) -> None:
    """Read again and tried: both are said in the list, and so is damage that came later."""
    taken = backend.backups.take()
    backend.backup_tasks.verify(admin, taken.id)
    assert ended(backend, admin).state == "done"
    backend.backup_tasks.drill(admin, taken.id)
    assert ended(backend, admin).state == "done"
    (kept,) = backend.backups.report(admin).backups
    assert kept.checks.verified_at and kept.checks.drilled_at
    assert (kept.checks.damage, kept.checks.drill_problems) == ("", ())

    file = Path(backend.settings.backup_place) / taken.id / "users.bson.zst"
    file.write_bytes(file.read_bytes()[:-9])
    backend.backup_tasks.verify(admin, taken.id)
    failed = ended(backend, admin)
    assert failed.state == "failed" and "damaged" in failed.message
    assert "users" in backend.backups.report(admin).backups[0].checks.damage


def test_going_back(backend: Backend, admin: Viewer, school: School) -> None:
    """A class made after the backup goes with the restore, which can be undone from then on."""
    taken = backend.backups.take()
    school.classroom(admin, "11 B")
    backend.backup_tasks.restore(admin, backup_id=taken.id)
    assert ended(backend, admin).state == "done"
    assert backend.mongo["classrooms"].count_documents({}) == 0
    assert backend.backups.report(admin).state.can_roll_back


def test_one_at_a_time(backend: Backend, admin: Viewer) -> None:
    """While another process is at it nothing begins; once that one died, it is said, and the next may."""
    other = backend.runs.claim("restore", backend.runs.now(), "asked", "another", 60, lane=LANE, asked=Asked(admin.id))
    assert isinstance(other, Run)
    with pytest.raises(Conflict, match="is running"):
        backend.backup_tasks.take(admin)
    current = backend.backup_tasks.current(admin)
    assert current is not None and (current.kind, current.state) == ("restore", "running")

    backend.runs.release(other)
    current = backend.backup_tasks.current(admin)
    assert current is not None and current.state == "failed" and "start it again" in current.message
    backend.backup_tasks.take(admin)
    assert ended(backend, admin).state == "done"
    assert backend.runs.newest("restore", 1)[0].state == "failed"


def test_what_nobody_expected_is_told_in_a_sentence(
    backend: Backend, admin: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person who asked reads no name of an exception."""

    def strange(**_arguments: object) -> None:
        raise KeyError("nothing")

    monkeypatch.setattr(backend.backups, "take_and_tidy", strange)
    backend.backup_tasks.take(admin)
    task = ended(backend, admin)
    assert (task.state, task.message) == ("failed", "Something went wrong; the log says what.")


def test_what_cannot_be_begun_is_refused_at_once(backend: Backend, admin: Viewer, school: School) -> None:
    """No such backup, nothing to undo, not an administrator: nothing begins."""
    calls: tuple[Callable[[], Task], ...] = (
        lambda: backend.backup_tasks.verify(admin, "2026-11-22T02-00-00Z-abcd"),
        lambda: backend.backup_tasks.drill(admin, "none"),
        lambda: backend.backup_tasks.restore(admin),
        lambda: backend.backup_tasks.roll_back(admin),
    )
    for call in calls:
        with pytest.raises(NotFound):
            call()
    with pytest.raises(NotAllowed):
        backend.backup_tasks.take(school.teacher(admin))
    assert backend.backup_tasks.current(admin) is None


def test_a_failure_is_told(backend: Backend, admin: Viewer) -> None:
    """Where the place does not take it, the task ends with the reason."""
    place = Path(backend.settings.backup_place)
    place.parent.mkdir(exist_ok=True)
    backend.backup_tasks.take(admin)
    assert ended(backend, admin).state == "done"
    for file in sorted(place.rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    place.rmdir()
    place.write_text("a file stands where the folder should be")
    backend.backup_tasks.take(admin)
    task = ended(backend, admin)
    assert task.state == "failed" and "Not a directory" in task.message


@pytest.fixture
def office(open_post: Opened) -> PostOffice:
    return open_post()


@pytest.fixture
def kept(settings: Settings, clock: SetClock, office: PostOffice, tmp_path: Path) -> Iterator[Backend]:
    """A school that sends mail and keeps a journal."""
    changed = {
        "smtp_url": SecretStr(f"smtp://127.0.0.1:{office.port}"),
        "mail_from": "learn@school.example",
        "public_url": "https://learn.school.example",
        "backup_url": str(tmp_path / "kept"),
    }
    built = build(settings.model_copy(update=changed), clock=clock)
    try:
        yield built
    finally:
        built.close()


def test_administrators_are_written_to(kept: Backend, office: PostOffice, clock: SetClock) -> None:
    """A backup that failed, and one that is late: one letter each a day, with the reason and what to do."""
    school = School(kept)
    school.teacher(school.admin())
    kept.mongo["outbox"].delete_many({})
    assert kept.backup_alarm.look() == 0
    kept.backups.take()
    assert kept.backup_alarm.look() == 0
    clock.advance(timedelta(hours=27))
    assert kept.backup_alarm.look() == 1
    assert kept.backup_alarm.look() == 0
    kept.restores._queries.keep_failure("the disk is full", clock.now())
    assert kept.backup_alarm.look() == 1
    clock.advance(timedelta(days=1))
    assert kept.backup_alarm.look() == 1
    kept.mails.deliver()
    late, failed, again = map(text_of, office.taken)
    assert "more than a day" in late and "https://learn.school.example/backups" in late
    assert "the disk is full" in failed and "the disk is full" in again
    assert {each["To"] for each in office.taken} == {"admin@example.org"}


def test_a_failed_drill_is_written_too(kept: Backend, office: PostOffice) -> None:
    """With what disagreed."""
    school = School(kept)
    school.student(school.classroom(school.teacher(school.admin())))
    kept.mongo["outbox"].delete_many({})
    kept.mongo["progress"].insert_one({"_id": "x", "studentId": "s", "chapterId": "c", "questionSolved": 1})
    kept.backups.take()
    assert not kept.backups.drill().has_passed
    assert kept.backup_alarm.look() == 1
    kept.mails.deliver()
    assert "not the sum of activity" in text_of(office.taken[0])


@contextmanager
def keeping(backend: Backend) -> Iterator[None]:
    """The journal is written meanwhile, at a test's pace."""
    place, queries = backend.settings.backup_place, backend.restores._queries
    asks = backend.recorder._on_gap
    made = Recorder(backend.backups, queries, place=place, on_gap=asks, every_seconds=0.2, quiet_seconds=0.4)
    stop = threading.Event()
    thread = threading.Thread(target=made.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_the_journal_continues_the_very_first_backup(kept: Backend) -> None:
    """A journal that begins while the first archive is being taken begins before its moment."""
    School(kept).admin()
    with ExitStack() as stack:
        begun: list[str] = []

        def begin_journal(collection: str, _done: int, _expected: int) -> None:
            if not begun:
                begun.append(collection)
                stack.enter_context(keeping(kept))

        taken = kept.backups.take(on_progress=begin_journal)
        assert kept.backups.every() == (taken,)
        since = kept.backups._moment_of(taken.id)

        def is_continued() -> bool:
            kept.mongo["events"].insert_one({"at": new_id()})
            return covered(kept.backups.segments(), since) > since

        until(is_continued)
        reach = kept.backups.state().reach
        assert reach is not None and reach.since == taken.taken_at


def test_a_gap_asks_for_a_backup(kept: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server has forgotten what came after the last file, the job is asked for at once."""
    School(kept).admin()
    kept.runs.plan("backup", "0 2 * * *", "UTC", makes_up=True)
    lost = [PlaceLost("as a server with a short history says it")]
    journal = kept.backups.journal

    def once_lost() -> Journal:
        if lost:
            raise lost.pop()
        return journal()

    monkeypatch.setattr(kept.backups, "journal", once_lost)
    with keeping(kept):
        until(lambda: "backup" in kept.runs.asked())


def test_a_store_that_is_away_is_told(kept: Backend, office: PostOffice) -> None:
    """Where the place cannot even be listed, the letter says so."""
    School(kept).admin()
    kept.mongo["outbox"].delete_many({})
    Path(kept.settings.backup_place).write_text("no folder")
    with suppress(Unavailable):
        kept.backups.take()
    assert kept.backup_alarm.look() == 1
