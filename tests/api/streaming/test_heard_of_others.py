"""Streams and sockets tell a student nothing of others' saves, and of leaderboards only those who take part."""

import time
from contextlib import ExitStack

import pytest

from backend.accounts import rooms
from backend.accounts.models import ProfileChange
from backend.api.routes import websocket
from backend.bootstrap import Backend
from backend.progress.models import ProgressChange
from tests.api.caller import Door
from tests.api.streaming.listening import ServedApi, served_api
from tests.api.streaming.speaking import talking
from tests.api.streaming.test_stream import ended, heard_at_once, save
from tests.school import School

__all__ = ["heard_at_once", "served_api"]


@pytest.fixture
def chapter(backend: Backend) -> str:
    return backend.chapters.active()[0].id


def test_a_student_hears_of_nobody_elses_act(
    served_api: ServedApi, door: Door, school: School, backend: Backend
) -> None:
    """The first news is the student's own save, after any work of others on the same chapters or leaderboards."""
    chapters = [each.id for each in backend.chapters.active()[:2]]
    other = school.student(door.classroom)
    backend.accounts.update_profile(other, ProfileChange(board_joined=True, board_name="Comet"))
    names = f"student:me,boards,{','.join(f'chapter:{each}' for each in chapters)}"
    paths = (f"/events?rooms={names}", f"/chapters/{chapters[0]}/progress-stream")
    with ExitStack() as stack:
        streams = [stack.enter_context(served_api.listening(path, door.student.headers)) for path in paths]
        for stream in streams:
            stream.wait_for("connected")
        for number in range(2):
            save(backend, other, f"other-{number}", chapter=number)
        backend.progress.undo(other, backend.progress.history(other, chapters[0])[0].batch_id)
        backend.events.publish(rooms.CHANGED, {rooms.BOARDS: {"changed": 1}})  # as the projector does
        save(backend, door.student_viewer, "own")
        first, second = (stream.wait_for("changed").data["rooms"] for stream in streams)
    assert (set(first), first["student:me"]["chapterIds"]) == ({"student:me", f"chapter:{chapters[0]}"}, chapters[:1])
    assert second == {f"chapter:{chapters[0]}": {"changed": 1}}


def test_boards_are_heard_by_those_who_are_on_them(served_api: ServedApi, door: Door, backend: Backend) -> None:
    """A student's stream ends when they join the leaderboards; the next one hears of them, as a teacher's does."""
    path = "/events?rooms=boards"
    with served_api.listening(path, door.student.headers) as listener:
        listener.wait_for("connected")
        since = time.monotonic()
        backend.accounts.update_profile(door.student_viewer, ProfileChange(board_joined=True, board_name="Comet"))
        assert ended(listener, since) == "role_changed"
    for caller in (door.student, door.teacher):
        with served_api.listening(path, caller.headers) as listener:
            listener.wait_for("connected")
            backend.events.publish(rooms.CHANGED, {rooms.BOARDS: {"changed": 1}})
            assert listener.wait_for("changed").data == {"rooms": {"boards": {"changed": 1}}}


def test_a_student_hears_of_nobody_elses_save(
    served_api: ServedApi, door: Door, school: School, backend: Backend, chapter: str
) -> None:
    """Not on a joined chapter and not of leaderboards on which the student is not; only of their own saves."""
    other = school.student(door.classroom)
    with talking(served_api, door.student.headers) as talk:
        assert talk.ask("join-chapter", chapterId=chapter)["type"] == "joined"
        backend.progress.change(other, chapter, ProgressChange(questions_delta=1), key="other")
        backend.events.publish(rooms.CHANGED, {rooms.BOARDS: {"changed": 1}})
        backend.progress.change(door.student_viewer, chapter, ProgressChange(questions_delta=1), key="own")
        assert talk.hear("progress-updated", "leaderboard-changed")["type"] == "progress-updated"
        talk.say("ping")
        assert talk.hear("progress-updated", "leaderboard-changed", "pong")["type"] == "pong"


def test_a_socket_ends_when_its_person_may_hear_less(
    served_api: ServedApi, door: Door, backend: Backend, chapter: str
) -> None:
    """A teacher who becomes a student does not go on hearing of everybody's saves."""
    with talking(served_api, door.teacher.headers) as talk:
        talk.ask("join-chapter", chapterId=chapter)
        backend.mongo["users"].update_one({"_id": door.teacher_viewer.id}, {"$set": {"role": "student"}})
        backend.cache.invalidate("viewers")
        assert talk.end() == ("role_changed", 4403)


def test_a_fresh_token_does_not_carry_old_rights_on(
    served_api: ServedApi, door: Door, backend: Backend, chapter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A teacher who became a student and gives the token again before the next look hears of nobody's saves either."""
    monkeypatch.setattr(websocket, "CHECK_SECONDS", 2.0)
    with talking(served_api, door.teacher.headers) as talk:
        talk.ask("join-chapter", chapterId=chapter)
        backend.mongo["users"].update_one({"_id": door.teacher_viewer.id}, {"$set": {"role": "student"}})
        backend.cache.invalidate("viewers")
        token = door.teacher.headers["Authorization"].removeprefix("Bearer ")
        assert talk.ask("authenticate", token=token)["error"]["code"] == "role_changed"
        assert talk.end() == ("role_changed", 4403)
