"""Boards that are kept: who sets them, when they are fresh, and when they are not believed."""

from datetime import timedelta
from pathlib import Path

import pytest

from backend.accounts import rooms
from backend.accounts.models import Viewer
from backend.boards.models import EVERYONE, PERIODS
from backend.boards.periods import live_spans, span, spans
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.kit.clock import SetClock
from backend.kit.redis.client import disconnect
from backend.progress.models import ProgressChange
from backend.statistics.projector import Projector
from backend.statistics.queries import ProjectorQueries
from tests.boards.builders import boards_of, joined, keeper_of
from tests.classrooms.builders import queries_of, save
from tests.kit.redis.valkey_process import ValkeyProcess
from tests.school import NOON, School
from tests.statistics.builders import running
from tests.waiting import eventually

FIVE = ProgressChange(questions_delta=5)


@pytest.fixture
def two_participants(backend: Backend, school: School, classroom: Classroom) -> tuple[Viewer, Viewer]:
    """Two students of one class who take part."""
    one, two = school.student(classroom, "One"), school.student(classroom, "Two")
    return joined(backend, one, "Comet"), joined(backend, two, "Meteor")


def scores(backend: Backend, viewer: Viewer, **options: bool) -> dict[str, int]:
    board = boards_of(backend, is_kept=options.get("is_kept", True)).board(viewer)
    return {entry.name: entry.score for entry in board.entries}


def test_another_ones_change_comes_with_the_projector(
    backend: Backend, two_participants: tuple[Viewer, Viewer]
) -> None:
    """What one saves is on the board that another one reads, and who watches is told after that, not before."""
    one, two = two_participants
    told: list[dict[str, int]] = []
    heard = backend.events.subscribe([rooms.BOARDS], lambda: told.append(scores(backend, two)))
    projector = Projector(ProjectorQueries(backend.mongo), backend.cache, backend.board_store)
    with running(projector):
        assert eventually(lambda: backend.statistics.projector_health().is_alive)
        assert scores(backend, two) == {"Comet": 0, "Meteor": 0}
        save(backend, one, 0, "a", FIVE)
        assert eventually(lambda: scores(backend, two) == {"Comet": 5, "Meteor": 0})
        assert eventually(lambda: bool(told))
    backend.events.unsubscribe(heard)
    assert told[0] == {"Comet": 5, "Meteor": 0}


def test_without_a_projector_nobody_is_answered_from_redis(
    backend: Backend, two_participants: tuple[Viewer, Viewer]
) -> None:
    """Boards that nobody sets would stand still: then MongoDB is asked."""
    one, two = two_participants
    assert scores(backend, two) == {"Comet": 0, "Meteor": 0}
    save(backend, one, 0, "a", FIVE)
    assert scores(backend, two, is_kept=False) == {"Comet": 5, "Meteor": 0}


def test_a_kept_board_asks_mongodb_for_nobody_else(backend: Backend, two_participants: tuple[Viewer, Viewer]) -> None:
    """Once built, a board costs no query over participants: what is read is the generation and the own record."""
    boards = boards_of(backend, is_kept=True)
    boards.board(two_participants[0])
    asked = queries_of(backend, lambda: boards.board(two_participants[0]))
    assert {query["ns"].split(".", 1)[1] for query in asked} <= {
        "boardState",
        "classrooms",
        "memberships",
        "summaries",
        "progress",
        "studyDays",
    }
    assert all(query.get("docsExamined", 0) <= 3 for query in asked)


def test_what_could_not_be_set_is_not_believed_later(
    backend: Backend, two_participants: tuple[Viewer, Viewer], tmp_path: Path
) -> None:
    """While one process cannot reach Redis, others could: after that no board from before is answered from."""
    one, two = two_participants
    server = ValkeyProcess(tmp_path)
    cut_off = server.client()
    server.kill()
    try:
        assert scores(backend, two) == {"Comet": 0, "Meteor": 0}
        save(backend, one, 0, "a", FIVE)
        keeper_of(backend, client=cut_off).work_saved([one.id])
        assert scores(backend, two) == {"Comet": 5, "Meteor": 0}
    finally:
        disconnect(cut_off)
        server.stop()


def test_without_redis_boards_come_from_mongodb(
    backend: Backend, two_participants: tuple[Viewer, Viewer], tmp_path: Path
) -> None:
    """Redis away: the same board, and no error."""
    server = ValkeyProcess(tmp_path)
    client = server.client()
    server.kill()
    try:
        save(backend, two_participants[0], 0, "a", FIVE)
        board = boards_of(backend, is_kept=True, client=client).board(two_participants[1])
        assert [(entry.name, entry.score) for entry in board.entries] == [("Comet", 5), ("Meteor", 0)]
    finally:
        disconnect(client)
        server.stop()


def test_who_leaves_a_class_leaves_its_board(
    backend: Backend, two_participants: tuple[Viewer, Viewer], teacher: Viewer, classroom: Classroom
) -> None:
    """At once, from either store; on everyone's board she stays."""
    stores = [boards_of(backend, is_kept=is_kept) for is_kept in (True, False)]
    for boards in stores:
        assert boards.board(teacher, classroom.id).participants == 2
    backend.classrooms.remove_student(teacher, classroom.id, two_participants[0].id)
    for boards in stores:
        assert [entry.name for entry in boards.board(teacher, classroom.id).entries] == ["Meteor"]
        assert boards.board(teacher).participants == 2


@pytest.mark.parametrize("act", ["deactivated", "teacher"])
def test_who_is_shut_out_or_no_student_any_more_is_off(
    backend: Backend, school: School, two_participants: tuple[Viewer, Viewer], teacher: Viewer, act: str
) -> None:
    """What an administrator does to her account shows on kept boards at once, and comes back with her."""
    admin = school.viewer(backend.sign_in.authenticate("admin@example.org", "correct horse battery"))
    assert set(scores(backend, teacher)) == {"Comet", "Meteor"}
    if act == "teacher":
        backend.administration.set_role(admin, two_participants[0].id, "teacher")
    else:
        backend.administration.set_active(admin, two_participants[0].id, active=False)
    assert set(scores(backend, teacher)) == {"Meteor"}
    backend.administration.set_role(admin, two_participants[0].id, "student")
    backend.administration.set_active(admin, two_participants[0].id, active=True)
    assert set(scores(backend, teacher)) == {"Comet", "Meteor"}


def test_archiving_a_chapter_takes_no_score_away(
    backend: Backend, two_participants: tuple[Viewer, Viewer], teacher: Viewer
) -> None:
    """What was solved stays solved, for all time as for the week, when its chapter leaves the syllabus."""
    chapter = backend.chapters.active()[0].id
    save(backend, two_participants[0], 0, "a", FIVE)
    backend.chapters.archive(teacher, chapter)
    for is_kept in (True, False):
        boards = boards_of(backend, is_kept=is_kept)
        assert {boards.board(teacher, period=period).entries[0].score for period in PERIODS} == {5}


def test_a_new_week_begins_with_a_new_board(
    backend: Backend, two_participants: tuple[Viewer, Viewer], clock: SetClock
) -> None:
    """Built ahead of the first look, it holds all who take part, with nothing solved yet; the month goes on."""
    save(backend, two_participants[0], 0, "a", FIVE)
    assert scores(backend, two_participants[1])["Comet"] == 5
    clock.advance(timedelta(days=7))
    assert keeper_of(backend).roll_over() == len(live_spans(clock.now()))
    assert scores(backend, two_participants[1]) == {"Comet": 0, "Meteor": 0}
    assert boards_of(backend, is_kept=True).board(two_participants[1], EVERYONE, "month").entries[0].score == 5


def test_running_periods_are_those_of_every_zone() -> None:
    """On a Monday at noon UTC somebody's Sunday still runs; at the turn of the year there are two of each."""
    today = NOON.date()
    assert {each.id for each in live_spans(NOON)} == {"week 2026-11-16", "month 2026-11-01", "all"}
    assert len(live_spans(NOON - timedelta(days=2))) == 4
    assert live_spans(NOON) == spans([today])
    assert span("all", today).first_day is None


def test_a_removed_account_is_off_every_board(
    backend: Backend, two_participants: tuple[Viewer, Viewer], teacher: Viewer, classroom: Classroom
) -> None:
    """Also off her class's, though nobody knows any more that she was in it; late work does not bring her back."""
    boards = boards_of(backend, is_kept=True)
    assert boards.board(teacher, classroom.id).participants == 2
    backend.mongo["users"].delete_one({"_id": two_participants[0].id})
    backend.mongo["memberships"].delete_many({"userId": two_participants[0].id})
    backend.board_store.person_changed(two_participants[0].id)
    save(backend, two_participants[0], 0, "late", FIVE)
    backend.board_store.work_saved([two_participants[0].id])
    assert [entry.name for entry in boards.board(teacher, classroom.id).entries] == ["Meteor"]
    assert set(scores(backend, teacher)) == {"Meteor"}
