"""Event streams: who may hear what, that nothing is lost or told too much, and how streams end."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from backend.accounts.models import ProfileChange, Viewer
from backend.api.routes import events
from backend.api.streaming import connections
from backend.api.streaming.connections import Streams
from backend.bootstrap import Backend
from backend.kit.clock import SetClock
from backend.kit.observability.metrics import REQUESTS
from backend.progress.models import ProgressChange
from tests.api.caller import Door
from tests.api.streaming.listening import Listener, ServedApi, served_api
from tests.school import School
from tests.waiting import until

__all__ = ["served_api"]

CUT_SECONDS = 5.0


@pytest.fixture(autouse=True)
def heard_at_once(backend: Backend) -> Iterator[None]:
    """Tests begin when the hub hears."""
    until(lambda: backend.events.healthy)
    yield


def save(backend: Backend, student: Viewer, key: str, chapter: int = 0) -> str:
    """Five more questions on a chapter; its id."""
    chapter_id = backend.chapters.active()[chapter].id
    backend.progress.change(student, chapter_id, ProgressChange(questions_delta=5), key=key)
    return chapter_id


def ended(listener: Listener, since: float) -> str:
    """The code with which the stream ends, within five seconds."""
    code = str(listener.wait_for("ended").data["code"])
    assert listener.next() is None
    assert time.monotonic() - since < CUT_SECONDS
    return code


@pytest.mark.parametrize(
    ("room", "student", "teacher", "other_teacher", "admin"),
    [
        ("student:me", 200, 200, 200, 200),
        ("student:{student}", 200, 404, 404, 404),
        ("classroom:{classroom}", 403, 200, 404, 200),
        ("classroom:unknown", 403, 404, 404, 404),
        ("chapter:{chapter}", 200, 200, 200, 200),
        ("chapter:unknown", 404, 404, 404, 404),
        ("boards", 200, 200, 200, 200),
        ("kitchen", 404, 404, 404, 404),
        ("classroom:", 404, 404, 404, 404),
        ("boards,student:{student}", 200, 404, 404, 404),
    ],
)
def test_who_may_listen_where(
    served_api: ServedApi,
    door: Door,
    school: School,
    backend: Backend,
    room: str,
    student: int,
    teacher: int,
    other_teacher: int,
    admin: int,
) -> None:
    """Each role hears its own rooms; a room that is not hers is not found or not allowed; nobody hears as nobody."""
    names = {
        "student": door.student_viewer.id,
        "classroom": door.classroom.id,
        "chapter": backend.chapters.active()[0].id,
    }
    path = f"/events?rooms={room.format(**names)}"
    foreign = door.as_(school.teacher(door.admin_viewer, "Uma Unconcerned"))
    callers = [
        (door.student, student),
        (door.teacher, teacher),
        (foreign, other_teacher),
        (door.admin, admin),
        (door.anyone, 401),
    ]
    for caller, status in callers:
        with served_api.listening(path, caller.headers) as listener:
            assert listener.answer.status == status, room
            if status != 200:
                assert listener.error()["code"] in ("not_signed_in", "not_allowed", "not_found")
                continue
            assert listener.answer.headers["Content-Type"].startswith("text/event-stream")
            connected = listener.wait_for("connected")
            assert connected.data["rooms"] == room.format(**names).split(",")
            assert listener.retry_ms >= 1000


def test_a_saved_change_is_told_by_ids_alone(served_api: ServedApi, door: Door, backend: Backend) -> None:
    """The teacher's stream names the student's id and a count; nothing anybody wrote or is called is in it."""
    with served_api.listening(f"/events?rooms=classroom:{door.classroom.id}", door.teacher.headers) as listener:
        listener.wait_for("connected")
        save(backend, door.student_viewer, "one")
        heard = listener.wait_for("changed")
    room = f"classroom:{door.classroom.id}"
    assert heard.data == {"rooms": {room: {"studentId": door.student_viewer.id, "changed": 1}}}
    assert heard.id
    for secret in (door.student_viewer.name, door.student_viewer.email):
        assert secret not in json.dumps(heard.data)


def test_undo_and_many_at_once_are_told_too(served_api: ServedApi, door: Door, backend: Backend) -> None:
    """A batch is one event with all its chapters; taking it back is another."""
    ids = [chapter.id for chapter in backend.chapters.active()[:3]]
    with served_api.listening("/events?rooms=student:me", door.student.headers) as listener:
        listener.wait_for("connected")
        changes = {chapter_id: ProgressChange(status="Completed") for chapter_id in ids}
        saved = backend.progress.change_many(door.student_viewer, changes, key="many")
        told = listener.wait_for("changed").data["rooms"]["student:me"]
        assert (told["batchId"], sorted(told["chapterIds"])) == (saved.batch_id, sorted(ids))
        backend.progress.undo(door.student_viewer, saved.batch_id)
        assert sorted(listener.wait_for("changed").data["rooms"]["student:me"]["chapterIds"]) == sorted(ids)


def test_a_chapter_is_heard_without_names(served_api: ServedApi, door: Door, backend: Backend) -> None:
    """A teacher's stream of a chapter tells that somebody worked on it, not who; other chapters are silent there."""
    chapter_id = backend.chapters.active()[1].id
    with served_api.listening(f"/chapters/{chapter_id}/progress-stream", door.teacher.headers) as listener:
        assert listener.wait_for("connected").data["rooms"] == [f"chapter:{chapter_id}"]
        save(backend, door.student_viewer, "elsewhere", chapter=0)
        save(backend, door.student_viewer, "here", chapter=1)
        assert listener.wait_for("changed").data == {"rooms": {f"chapter:{chapter_id}": {"changed": 1}}}
    with served_api.listening("/chapters/unknown/progress-stream", door.student.headers) as listener:
        assert (listener.answer.status, listener.error()["code"]) == (404, "not_found")


def test_a_new_learner_is_told_to_the_teacher(
    served_api: ServedApi, door: Door, backend: Backend, school: School
) -> None:
    """Somebody who signs up with the code, or is taken out, is news in the class."""
    room = f"classroom:{door.classroom.id}"
    with served_api.listening(f"/events?rooms={room}", door.teacher.headers) as listener:
        listener.wait_for("connected")
        student = school.student(door.classroom, "Nina New")
        assert room in listener.wait_for("changed").data["rooms"]
        backend.classrooms.remove_student(door.teacher_viewer, door.classroom.id, student.id)
        assert room in listener.wait_for("changed").data["rooms"]


def test_reconnecting_loses_nothing(served_api: ServedApi, door: Door, backend: Backend) -> None:
    """With Last-Event-ID (or `after`) what was told meanwhile comes first; an id that is none is refused."""
    with served_api.listening("/events?rooms=student:me", door.student.headers) as listener:
        listener.wait_for("connected")
        save(backend, door.student_viewer, "seen")
        known = listener.wait_for("changed").id
    missed = [save(backend, door.student_viewer, f"missed{number}", number) for number in range(3)]
    ways: list[tuple[str, dict[str, str]]] = [
        ("/events?rooms=student:me&after=1-0", {"Last-Event-ID": known}),
        (f"/events?rooms=student:me&after={known}", {}),
    ]
    for path, headers in ways:
        with served_api.listening(path, door.student.headers | headers) as listener:
            found = [listener.wait_for("changed").data["rooms"]["student:me"]["chapterIds"] for _each in missed]
        assert found == [[chapter_id] for chapter_id in missed]
    with served_api.listening("/events?rooms=boards&after=yesterday", door.student.headers) as listener:
        assert (listener.answer.status, listener.error()["code"]) == (422, "invalid")


def test_an_id_too_old_is_called_missed(served_api: ServedApi, door: Door, backend: Backend) -> None:
    """Where the stream does not reach back so far, the client is told to read everything again."""
    save(backend, door.student_viewer, "one")
    with served_api.listening("/events?rooms=student:me&after=1-0", door.student.headers) as listener:
        assert listener.wait_for("missed").data == {"rooms": {}}


def test_a_revoked_session_ends_the_stream(served_api: ServedApi, door: Door, backend: Backend, school: School) -> None:
    """Signed out elsewhere: the browser's stream and the program's end within five seconds and say why."""
    user = school.user(door.teacher_viewer)
    ticket = backend.sign_in.issue_ticket(user, "browser")
    token = backend.sign_in.redeem_ticket(ticket, "browser", "test")
    by_cookie = {"Cookie": f"session={token}"}
    with ExitStack() as open_streams:
        browser, program = (
            open_streams.enter_context(served_api.listening("/events?rooms=boards", headers))
            for headers in (by_cookie, door.teacher.headers)
        )
        browser.wait_for("connected")
        program.wait_for("connected")
        since = time.monotonic()
        backend.accounts.sign_out(backend.sign_in.viewer(token))
        assert ended(browser, since) == "not_signed_in"
        since = time.monotonic()
        bearer = door.teacher.headers["Authorization"].removeprefix("Bearer ")
        backend.accounts.sign_out(backend.sign_in.viewer_of_access_token(bearer))
        assert ended(program, since) == "not_signed_in"
    until(lambda: len(served_api.streams) == 0)


def test_a_cookie_of_another_site_opens_nothing(served_api: ServedApi, door: Door, backend: Backend) -> None:
    """A foreign page cannot listen with the cookie of its visitor."""
    user = backend.accounts.me(door.student_viewer)
    token = backend.sign_in.redeem_ticket(backend.sign_in.issue_ticket(user, "browser"), "browser", "test")
    headers = {"Cookie": f"session={token}", "Sec-Fetch-Site": "cross-site"}
    with served_api.listening("/events?rooms=student:me", headers) as listener:
        assert (listener.answer.status, listener.error()["code"]) == (401, "not_signed_in")


def test_a_deactivated_person_hears_no_more(served_api: ServedApi, door: Door, backend: Backend) -> None:
    """Deactivation by an admin ends the streams of the account."""
    with served_api.listening("/events?rooms=student:me", door.student.headers) as listener:
        listener.wait_for("connected")
        since = time.monotonic()
        backend.administration.set_active(door.admin_viewer, door.student_viewer.id, active=False)
        assert ended(listener, since) == "not_signed_in"


def test_an_expired_token_ends_the_stream(served_api: ServedApi, door: Door, clock: SetClock) -> None:
    """A program listens as long as its access token is good, and is told to refresh it."""
    with served_api.listening("/events?rooms=boards", door.teacher.headers) as listener:
        listener.wait_for("connected")
        since = time.monotonic()
        clock.advance(timedelta(minutes=16))
        assert ended(listener, since) == "token_expired"


def test_a_class_that_closes_is_heard_no_more(served_api: ServedApi, door: Door, backend: Backend) -> None:
    """The right to listen is looked at again and again, not only at the start."""
    with served_api.listening(f"/events?rooms=classroom:{door.classroom.id}", door.teacher.headers) as listener:
        listener.wait_for("connected")
        since = time.monotonic()
        backend.classrooms.archive(door.teacher_viewer, door.classroom.id)
        assert ended(listener, since) == "not_found"


def test_a_quiet_stream_shows_that_it_lives(served_api: ServedApi, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without events a comment comes every so often, so that nothing on the way closes the connection."""
    monkeypatch.setattr(connections, "HEARTBEAT_SECONDS", 0.3)
    with served_api.listening("/events?rooms=boards", door.student.headers) as listener:
        listener.wait_for("connected")
        lines = [listener.answer.readline() for _number in range(4)]
    assert lines == [b": here\n", b"\n", b": here\n", b"\n"]


def test_streams_are_counted(served_api: ServedApi, door: Door) -> None:
    """One too many for a person is 429 with Retry-After, one too many for the process 503; who leaves makes room."""
    served_api.api.state.streams = Streams(per_viewer=2, most=3)
    path = "/events?rooms=boards"
    with ExitStack() as open_streams:
        for _number in range(2):
            open_streams.enter_context(served_api.listening(path, door.student.headers)).wait_for("connected")
        with served_api.listening(path, door.student.headers) as listener:
            assert (listener.answer.status, listener.error()["code"]) == (429, "rate_limited")
            assert int(listener.answer.headers["Retry-After"]) > 0
        open_streams.enter_context(served_api.listening(path, door.teacher.headers)).wait_for("connected")
        with served_api.listening(path, door.admin.headers) as listener:
            assert (listener.answer.status, listener.error()["code"]) == (503, "unavailable")
    until(lambda: len(served_api.streams) == 0)
    with served_api.listening(path, door.student.headers) as listener:
        assert listener.answer.status == 200


def test_too_many_rooms_are_refused(served_api: ServedApi, door: Door) -> None:
    """One stream cannot be made to ask the services a thousand questions."""
    with served_api.listening("/events?rooms=" + ",".join(["boards"] * 51), door.student.headers) as listener:
        assert (listener.answer.status, listener.error()["code"]) == (422, "invalid")


def test_a_deaf_process_says_so(served_api: ServedApi, door: Door, backend: Backend) -> None:
    """Where the events of other processes are not heard, the page is told to look for itself."""
    with served_api.listening("/events?rooms=boards", door.student.headers) as listener:
        assert listener.wait_for("connected").data["isLive"] is True
        backend.events.close()
        assert listener.wait_for("state").data["isLive"] is False


def test_pages_redraw_less_often_the_more_listen(
    served_api: ServedApi, door: Door, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pace grows with the listeners of a room, those who came first are told too, and it has an end."""
    monkeypatch.setattr(events, "PACE_MS_PER_LISTENER", 500)
    backend.accounts.update_profile(door.student_viewer, ProfileChange(board_joined=True, board_name="Comet"))
    with ExitStack() as open_streams:
        listeners = [
            open_streams.enter_context(served_api.listening("/events?rooms=boards", caller.headers))
            for caller in (door.student, door.teacher, door.admin)
        ]
        paces = [listener.wait_for("connected").data["paceMs"] for listener in listeners]
        assert paces == [events.LEAST_PACE_MS, 1000, 1500]
        assert listeners[0].wait_for("state").data["paceMs"] == 1500
    monkeypatch.setattr(events, "PACE_MS_PER_LISTENER", 10**6)
    with served_api.listening("/events?rooms=boards", door.student.headers) as listener:
        assert listener.wait_for("connected").data["paceMs"] == events.MOST_PACE_MS


def test_a_long_stream_is_no_slow_request(served_api: ServedApi, door: Door, backend: Backend) -> None:
    """The time of a stream is the time until it began; an hour of listening is no hour of answering."""
    with served_api.listening("/events?rooms=boards", door.student.headers) as listener:
        listener.wait_for("connected")
        time.sleep(1.0)  # the fact is about time that passes
    until(lambda: "GET /events" in backend.metrics.read(REQUESTS))
    assert backend.metrics.read(REQUESTS)["GET /events"].max_seconds < 1.0
