"""Ready for shards: what the services really send to MongoDB carries the shard key, or is listed here with its reason.

No mongos can be had here, so this is what can be known without one.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pymongo import monitoring

from backend.accounts.models import Viewer
from backend.bootstrap import INDEXES, Backend, build
from backend.chapters.catalogue import catalogue
from backend.chapters.models import ChapterDraft
from backend.config import Settings
from backend.kit.clock import SetClock
from backend.progress.models import ProgressChange
from deploy.sharding import BY_STUDENT, BY_SUBJECT, CLASSES, SUBJECTS, Layout, commands
from deploy.sharding.targeting import Aimed, aims
from tests.school import School
from tests.test_query_plans import parts

__all__ = ["parts"]
ROOT = Path(__file__).resolve().parent.parent.parent

# What asks every shard, and why it may. docs/sharding.md has the same table.
EVERY_SHARD = {
    "activity: aggregate by nothing": "statistics computed anew, in pieces by id; use of indexes, on the health page",
    "activity: count by nothing": "how many there are, on the health page and before a backup",
    "activity: find by nothing": "a backup reads everything",
    "progress: aggregate by nothing": "use of indexes, on the health page; after a restore, who is in it",
    "progress: count by nothing": "how many there are, on the health page and before a backup",
    "progress: find by chapterId": "a chapter is archived, brought back or moved, a few times a year",
    "progress: find by nothing": "a backup reads everything",
    "studyDays: aggregate by nothing": "use of indexes, on the health page; after a restore, who is in it",
    "studyDays: count by nothing": "how many there are, before a backup",
    "studyDays: find by nothing": "a backup reads everything",
    "summaries: aggregate by _id, lastActivityAt": "how all students spread, kept by the cache for everybody",
    "summaries: count by nothing": "how many there are, before a backup",
    "summaries: find by _id": "the next hundred students of a recount, after the catalogue changed",
    "summaries: find by nothing": "a backup reads everything",
}


class Listener(monitoring.CommandListener):
    """Keeps the commands that clients send to one database."""

    def __init__(self) -> None:
        self.database = ""
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.kept: list[tuple[str, dict[str, Any]]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.database_name == self.database:
            self.heard.append((event.command_name, dict(event.command)))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Of no interest."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Of no interest."""


@pytest.fixture(scope="module")
def listener() -> Listener:
    """Heard by every client that is made from now on."""
    made = Listener()
    monitoring.register(made)
    return made


@pytest.fixture
def backend(own_settings: Settings, clock: SetClock, listener: Listener) -> Iterator[Backend]:
    """A backend whose commands are heard, from its start on."""
    listener.database, listener.heard = own_settings.mongodb_database, []
    built = build(own_settings, clock=clock)
    try:
        yield built
        listener.database = ""
    finally:
        listener.database = ""
        built.close()


@pytest.fixture
def heard(listener: Listener, request: pytest.FixtureRequest) -> list[tuple[str, Any]]:
    """Everything that was sent while people and jobs did everything that they do; done once for all tests."""
    if not listener.kept:
        backend, school = request.getfixturevalue("backend"), request.getfixturevalue("school")
        for part in request.getfixturevalue("parts").values():
            part()
        for also in _others(backend, school):
            also()
        listener.kept = listener.heard
    return listener.kept


def aimed(heard: list[tuple[str, Any]], layout: Layout) -> set[Aimed]:
    """The accesses to sharded collections, each kind once."""
    return {each for name, command in heard for each in aims(name, command, layout)}


def test_what_is_sent_carries_the_shard_key(heard: list[tuple[str, Any]]) -> None:
    """Every access to a sharded collection names the student, or stands in the table of those that ask every shard."""
    found = aimed(heard, BY_STUDENT)
    assert {each.collection for each in found} == set(BY_STUDENT.keys)  # all four were seen at work
    assert {str(each) for each in found if not each.has_key} == set(EVERY_SHARD)


def test_one_document_is_written_by_its_key(heard: list[tuple[str, Any]]) -> None:
    """What changes or makes one document is sent to one shard: without the key a mongos would refuse it."""
    single = {"insert", "update", "update or insert", "delete", "find and change"}
    for each in aimed(heard, BY_STUDENT):
        assert each.has_key or each.act not in single, each


def test_a_save_lies_on_one_shard() -> None:
    """All that one student did is cut by the same value into the same parts."""
    told = list(commands(BY_STUDENT, "school", ["a", "b", "c"]))
    cuts: dict[str, list[tuple[Any, Any, str]]] = {}
    for each in told:
        if "updateZoneKeyRange" in each:
            (low,), (high,) = each["min"].values(), each["max"].values()
            cuts.setdefault(each["updateZoneKeyRange"], []).append((low, high, each["zone"]))
    assert set(cuts) == {f"school.{name}" for name in BY_STUDENT.keys}
    assert all(cut == cuts["school.progress"] for cut in cuts.values())
    assert len(cuts["school.progress"]) == 3


def test_lookups_within_transactions_are_why_it_needs_mongodb_8(heard: list[tuple[str, Any]]) -> None:
    """A save looks into sharded collections within its transaction; servers before 8.0 refuse that, the docs say."""
    assert any(each.act == "lookup" and each.in_transaction for each in aimed(heard, BY_STUDENT))
    assert "MongoDB 8.0" in (ROOT / "docs" / "sharding.md").read_text()


@pytest.mark.parametrize("layout", [BY_STUDENT, BY_SUBJECT], ids=lambda layout: layout.name)
def test_unique_indexes_begin_with_the_shard_key(layout: Layout) -> None:
    """A shard sees only its own documents: unique among all is what begins with the key."""
    for group in INDEXES:
        for collection, indexes in group.items():
            for index in indexes if collection in layout.keys else ():
                fields = tuple(index.document["key"])
                if index.document.get("unique"):
                    assert fields[: len(layout.keys[collection])] == layout.fields(collection), index.document["name"]


def test_ids_that_must_be_unique_are_made_of_the_key(backend: Backend, parts: dict[str, Any]) -> None:
    """One record of a student and chapter, one study day: the same key gives the same id on the same shard."""
    parts["save"]()
    for collection, field in (("progress", "chapterId"), ("studyDays", "day")):
        found = list(backend.mongo[collection].find({}, {"studentId": 1, field: 1}))
        assert len({each["_id"] for each in found}) == len({(each["studentId"], each[field]) for each in found}) > 1


def test_by_subject_a_student_is_spread_over_shards(heard: list[tuple[str, Any]]) -> None:
    """Why zones by class and subject are not the default: no read of a student's records could be aimed any more."""
    reads = {each for each in aimed(heard, BY_SUBJECT) if each.collection == "progress" and each.act != "insert"}
    assert not any(each.has_key for each in reads)
    assert {(each.subject, each.class_) for each in catalogue()} == {
        (name, each) for name in SUBJECTS for each in CLASSES
    }


def test_the_table_is_in_the_docs() -> None:
    """docs/sharding.md names each access that asks every shard, with its reason."""
    text = (ROOT / "docs" / "sharding.md").read_text()
    for access, reason in EVERY_SHARD.items():
        assert f"| {access} | {reason} |" in text


def test_the_command_prints_what_it_would_do() -> None:
    """Without an address it writes each command on a line: zones before the collection that is cut along them."""
    ended = subprocess.run(
        [sys.executable, "-m", "deploy.sharding", "--shards", "a,b", "--layout", "subject"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = [json.loads(line) for line in ended.stdout.splitlines()]
    assert told[0] == {"enableSharding": "chapter_performance"}
    at = next(
        number for number, each in enumerate(told) if each.get("shardCollection") == "chapter_performance.progress"
    )
    zones = [each["zone"] for each in told[:at] if each.get("updateZoneKeyRange") == "chapter_performance.progress"]
    assert zones == [f"{class_} {subject}" for class_ in CLASSES for subject in SUBJECTS]


def test_it_refuses_what_is_no_mongos(settings: Settings) -> None:
    """Given a replica set it says so and changes nothing."""
    assert settings.mongodb_uri
    ended = subprocess.run(
        [sys.executable, "-m", "deploy.sharding", "--shards", "a", "--uri", settings.mongodb_uri.get_secret_value()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "no mongos" in ended.stderr


def _others(backend: Backend, school: School) -> Iterator[Callable[[], object]]:
    """What the walk of query plans leaves out: jobs, deletion, download, backups, the catalogue's changes."""
    admin = school.viewer(backend.sign_in.authenticate("admin@example.org", "correct horse battery"))
    teacher = school.teacher(admin, "Other Teacher")
    classroom = school.classroom(teacher)
    student = school.student(classroom, "Other Student")
    first, second = backend.chapters.active()[:2]
    change = ProgressChange(questions_delta=2)
    yield partial(backend.progress.change, student, second.id, change, key="other")
    yield partial(backend.progress.change_many, student, {first.id: change, second.id: change}, key="many")
    yield partial(backend.progress.history, student, second.id)
    yield partial(backend.overview.insights, student)
    yield partial(backend.overview.summary, student)
    yield lambda: b"".join(backend.rights.export(student))
    yield lambda: backend.chapters.archive(teacher, second.id)
    yield lambda: backend.chapters.bring_back(teacher, second.id)
    yield partial(_rename, backend, teacher, second.id)
    yield backend.operations.missing_indexes
    yield lambda: backend.operations.health(admin)
    yield backend.projector.rebuild
    yield backend.board_store.roll_over
    yield backend.backups.take
    yield backend.backups.drill
    yield backend.rights.request_for_idle
    yield partial(backend.rights.request, student)
    yield lambda: _later(backend, days=30)
    yield backend.rights.fulfil_due


def _rename(backend: Backend, teacher: Viewer, chapter_id: str) -> None:
    found = backend.chapters.get(chapter_id)
    draft = ChapterDraft(
        subject=found.subject,
        class_=found.class_,
        unit="Another unit",
        chapter=found.chapter,
        year_wise_question_count=found.year_wise_question_count,
    )
    backend.chapters.edit(teacher, chapter_id, draft, version=found.version)


def _later(backend: Backend, *, days: int) -> None:
    clock = backend.clock
    assert isinstance(clock, SetClock)
    clock.set(clock.now() + timedelta(days=days))
