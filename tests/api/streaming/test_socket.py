"""WS /ws with a real client: who may open it, what is said, and how it ends."""

import json
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus

from backend.accounts import rooms
from backend.api.routes import websocket
from backend.api.streaming import connections
from backend.api.streaming.socket_messages import MOST_BYTES
from backend.api.streaming.socket_sign_in import PROTOCOL
from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.kit.limiter.gcra import Rule
from backend.limits.models import OWN
from backend.progress.models import ProgressChange
from tests.api.caller import Door
from tests.api.streaming.listening import ServedApi, served_api
from tests.api.streaming.speaking import talking
from tests.waiting import until

__all__ = ["served_api"]

CUT_SECONDS = 5.0  # two are promised; a busy machine is no failure


@pytest.fixture(autouse=True)
def heard_at_once(backend: Backend) -> Iterator[None]:
    """Tests begin when the hub hears."""
    until(lambda: backend.events.healthy)
    yield


@pytest.fixture
def chapter(backend: Backend) -> str:
    return backend.chapters.active()[0].id


def token_of(headers: dict[str, str]) -> str:
    return headers["Authorization"].removeprefix("Bearer ")


def test_a_token_opens_it_in_three_ways(served_api: ServedApi, door: Door) -> None:
    """In the header, as a subprotocol (the only way of a browser's script), or in the first message."""
    token = token_of(door.student.headers)
    with talking(served_api, door.student.headers) as talk:
        assert talk.hear("connected")["mayWrite"] is True
        assert talk.connection.subprotocol is None
    with talking(served_api, protocols=[PROTOCOL, f"bearer.{token}"]) as talk:
        assert talk.hear("connected")["mayWrite"] is True
        assert talk.connection.subprotocol == PROTOCOL  # and never the token, which logs would keep
    with talking(served_api) as talk:
        talk.say("authenticate", token=token)
        assert talk.hear("connected", "ended")["type"] == "connected"


def test_nobody_is_told_nothing(served_api: ServedApi, door: Door) -> None:
    """A wrong token, none at all, or another first message: the reason, then 4401."""
    with talking(served_api, {"Authorization": "Bearer nonsense"}) as talk:
        assert talk.end() == ("token_invalid", 4401)
    with talking(served_api, protocols=[PROTOCOL, "bearer.nonsense"]) as talk:
        assert talk.end() == ("token_invalid", 4401)
    with talking(served_api) as talk:
        talk.say("join-chapter", chapterId="x")
        assert talk.end() == ("not_signed_in", 4401)
    with talking(served_api) as talk:
        talk.say("authenticate", token="nonsense")
        assert talk.end() == ("token_invalid", 4401)
    with talking(served_api) as talk:
        talk.connection.send('{"x":' + "[" * 8_000)
        assert talk.end() == ("not_signed_in", 4401)


def test_who_says_nothing_is_let_go(served_api: ServedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that never says whose it is does not stay open."""
    monkeypatch.setattr(websocket, "ENTRY_SECONDS", 0.2)
    with talking(served_api) as talk:
        assert talk.end() == ("not_signed_in", 4401)


def test_a_page_of_another_site_is_refused(served_api: ServedApi, door: Door, backend: Backend) -> None:
    """A browser's cookie goes along to any address; the origin that it names must be ours."""
    cookie = _cookie(backend, door)
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{served_api.port}.evil.example"):
        with pytest.raises(InvalidStatus), talking(served_api, {"Cookie": cookie, "Origin": origin}):
            pass
    with talking(served_api, {"Cookie": cookie}) as talk:  # no browser: the cookie alone says nothing
        talk.say("ping")
        assert talk.end() == ("not_signed_in", 4401)


def test_our_own_pages_listen_and_do_not_write(
    served_api: ServedApi, door: Door, backend: Backend, chapter: str
) -> None:
    """With the session cookie a page hears; to save it needs a token, as everywhere."""
    own = {"Cookie": _cookie(backend, door), "Origin": f"http://127.0.0.1:{served_api.port}"}
    with talking(served_api, own) as talk:
        assert talk.hear("connected")["mayWrite"] is False
        assert talk.ask("join-chapter", chapterId=chapter)["type"] == "joined"
        refused = talk.ask("progress-update", chapterId=chapter, questionsDelta=1)
        assert refused["error"]["code"] == "not_allowed"
        backend.progress.change(door.student_viewer, chapter, ProgressChange(questions_delta=1), key="k")
        assert talk.hear("progress-updated")["chapterId"] == chapter


def test_what_is_saved_reaches_the_room_and_the_boards(
    served_api: ServedApi, door: Door, backend: Backend, chapter: str
) -> None:
    """The saver gets her record; the room hears that somebody saved, not who; everybody hears of the boards."""
    other = backend.chapters.active()[1].id
    with (
        talking(served_api, door.student.headers) as student,
        talking(served_api, door.teacher.headers) as in_room,
        talking(served_api, door.admin.headers) as elsewhere,
    ):
        in_room.hear("connected")
        elsewhere.hear("connected")
        assert in_room.ask("join-chapter", chapterId=chapter)["type"] == "joined"
        assert elsewhere.ask("join-chapter", chapterId=other)["type"] == "joined"
        saved = student.ask("progress-update", chapterId=chapter, questionsDelta=5)
        assert (saved["type"], saved["data"]["progress"]["questionSolved"]) == ("saved", 5)
        told = in_room.hear("progress-updated")
        assert told == {"type": "progress-updated", "chapterId": chapter, "changed": 1}
        backend.events.publish(rooms.CHANGED, {rooms.BOARDS: {"changed": 1}})  # as who keeps the boards does
        assert elsewhere.hear("leaderboard-changed", "progress-updated") == {"type": "leaderboard-changed"}
        assert backend.progress.record(door.student_viewer.id).progress[chapter].question_solved == 5


def test_who_left_hears_no_more(served_api: ServedApi, door: Door, backend: Backend, chapter: str) -> None:
    """After leave nothing of the chapter comes; joining twice tells once."""
    other = backend.chapters.active()[1].id
    with talking(served_api, door.teacher.headers) as talk:
        for _again in "ab":
            talk.ask("join-chapter", chapterId=chapter)
        talk.ask("join-chapter", chapterId=other)
        assert talk.ask("leave", chapterId=chapter)["type"] == "left"
        for number, each in enumerate((chapter, other)):
            backend.progress.change(door.student_viewer, each, ProgressChange(questions_delta=1), key=f"k{number}")
        assert talk.hear("progress-updated")["chapterId"] == other


def test_a_key_saves_once_and_stands_for_one_update(served_api: ServedApi, door: Door, chapter: str) -> None:
    """As Idempotency-Key by HTTP."""
    with talking(served_api, door.student.headers) as talk:
        first, again = (
            talk.ask("progress-update", chapterId=chapter, questionsDelta=2, key="act-1")["data"] for _repeat in "ab"
        )
        assert first == again
        assert first["progress"]["questionSolved"] == 2
        other = talk.ask("progress-update", chapterId=chapter, questionsDelta=3, key="act-1")
        assert other["error"]["code"] == "key_reused"


def test_a_kept_save_is_given_to_a_student_alone(
    served_api: ServedApi, door: Door, backend: Backend, chapter: str
) -> None:
    """Whoever became something else since is not answered from what was kept under the key."""
    with talking(served_api, door.student.headers) as talk:
        assert talk.ask("progress-update", chapterId=chapter, questionsDelta=2, key="act-1")["type"] == "saved"
    backend.mongo["users"].update_one({"_id": door.student_viewer.id}, {"$set": {"role": "teacher"}})
    backend.cache.invalidate("viewers")
    with talking(served_api, door.student.headers) as talk:
        refused = talk.ask("progress-update", chapterId=chapter, questionsDelta=2, key="act-1")
        assert refused["error"]["code"] == "not_allowed"


def test_services_decide_as_everywhere(served_api: ServedApi, door: Door, backend: Backend, chapter: str) -> None:
    """A teacher saves no progress, an archived or unknown chapter is not found, and much asks first."""
    with talking(served_api, door.teacher.headers) as talk:
        assert talk.ask("progress-update", chapterId=chapter, questionsDelta=1)["error"]["code"] == "not_allowed"
        assert talk.ask("join-chapter", chapterId="unknown")["error"]["code"] == "not_found"
        backend.chapters.archive(door.teacher_viewer, chapter)
        assert talk.ask("join-chapter", chapterId=chapter)["error"]["code"] == "not_found"
    with talking(served_api, door.student.headers) as talk:
        second = backend.chapters.active()[0].id
        asked = talk.ask("progress-update", chapterId=second, questionSolved=4000)
        assert asked["error"]["code"] == "confirmation_needed"
        assert asked["error"]["details"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        '"ping"',
        '{"type": "shout"}',
        '{"type": "ping", "type": "ping"}',
        '{"type": "leave", "chapterId": "a", "chapterId": "b"}',
        '{"type": "ping", "volume": 11}',
        '{"type": "join-chapter"}',
        '{"type": "join-chapter", "chapterId": {"$ne": null}}',
        '{"type": "progress-update", "chapterId": "x", "questionsDelta": "5"}',
        '{"type": "progress-update", "chapterId": "x", "questionsDelta": 1e99}',
        "[" * 10_000,
        '{"x":' + "[" * 8_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_message_is_refused_and_the_socket_goes_on(
    served_api: ServedApi, door: Door, text: str | bytes
) -> None:
    """Broken JSON, unknown kinds, objects where a text belongs: an error, and the next message is heard."""
    with talking(served_api, door.student.headers) as talk:
        talk.connection.send(text)
        assert talk.hear("error")["error"]["code"] == "invalid"
        assert talk.ask("ping")["type"] == "pong"


def test_a_client_that_only_errs_is_closed(served_api: ServedApi, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty mistakes in a row are a broken client."""
    monkeypatch.setattr(websocket, "MISTAKES", 3)
    with talking(served_api, door.student.headers) as talk:
        for _mistake in range(3):
            talk.connection.send("{")
        assert talk.end() == ("invalid", 1008)


def test_a_message_is_bounded(served_api: ServedApi, door: Door) -> None:
    """Above 16 KB the socket is closed as too large."""
    with talking(served_api, door.student.headers) as talk:
        talk.connection.send("x" * (MOST_BYTES + 1))
        assert talk.end() == ("too_large", 1009)


def test_rooms_and_sockets_are_bounded(
    served_api: ServedApi, door: Door, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many chapters a socket, so many sockets a person; what is left makes room again."""
    monkeypatch.setattr(websocket, "ROOMS_LIMIT", 2)
    chapters = [each.id for each in backend.chapters.active()[:3]]
    with talking(served_api, door.student.headers) as talk:
        talk.hear("connected")
        answers = [talk.ask("join-chapter", chapterId=each)["type"] for each in chapters]
        assert answers == ["joined", "joined", "error"]
        talk.ask("leave", chapterId=chapters[0])
        assert talk.ask("join-chapter", chapterId=chapters[2])["type"] == "joined"
        monkeypatch.setattr(served_api.streams, "_per_viewer", 1)
        with talking(served_api, door.student.headers) as second:
            assert second.end() == ("rate_limited", 4429)
    until(lambda: len(served_api.streams) == 0)


@pytest.mark.parametrize("act", ["sign out", "deactivate", "sign out everywhere"])
def test_a_session_that_is_over_is_cut(served_api: ServedApi, door: Door, backend: Backend, act: str) -> None:
    """Within two seconds the reason, then 4401; and nothing can be saved meanwhile."""
    caller = door.as_(door.student_viewer)
    with talking(served_api, caller.headers) as talk:
        talk.hear("connected")
        if act == "sign out":
            caller.post("/auth/logout")
        elif act == "deactivate":
            backend.administration.set_active(door.admin_viewer, door.student_viewer.id, active=False)
        else:
            backend.accounts.sign_out_elsewhere(door.student_viewer)
        since = time.monotonic()
        assert talk.end() == ("not_signed_in", 4401)
        assert time.monotonic() - since < CUT_SECONDS


def test_a_session_that_is_over_saves_nothing(
    served_api: ServedApi, door: Door, backend: Backend, chapter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even before the socket is cut, each update is asked for anew."""
    monkeypatch.setattr(websocket, "CHECK_SECONDS", 60.0)
    caller = door.as_(door.student_viewer)
    with talking(served_api, caller.headers) as talk:
        talk.hear("connected")
        caller.post("/auth/logout")
        assert talk.ask("progress-update", chapterId=chapter, questionsDelta=1)["error"]["code"] == "not_signed_in"
    assert chapter not in backend.progress.record(door.student_viewer.id).progress


def test_a_fresh_token_keeps_it_open_for_the_same_person_alone(served_api: ServedApi, door: Door) -> None:
    """Tokens end after 15 minutes: a socket takes the next one, but nobody else's."""
    with talking(served_api, door.student.headers) as talk:
        talk.hear("connected")
        fresh = token_of(door.as_(door.student_viewer).headers)
        assert talk.ask("authenticate", token=fresh)["type"] == "authenticated"
        foreign = talk.ask("authenticate", token=token_of(door.teacher.headers))
        assert foreign["error"]["code"] == "not_allowed"


def test_it_shows_that_it_lives(served_api: ServedApi, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """A heartbeat comes by itself, and a ping is answered."""
    monkeypatch.setattr(connections, "HEARTBEAT_SECONDS", 0.2)
    with talking(served_api, door.student.headers) as talk:
        assert talk.hear("heartbeat") == {"type": "heartbeat"}
        assert talk.ask("ping")["type"] == "pong"


def test_an_archived_chapter_is_left(
    served_api: ServedApi, door: Door, backend: Backend, chapter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever follows a chapter is told when it is gone."""
    monkeypatch.setattr(websocket, "LOOK_SECONDS", 0.0)
    with talking(served_api, door.student.headers) as talk:
        talk.ask("join-chapter", chapterId=chapter)
        backend.chapters.archive(door.teacher_viewer, chapter)
        assert talk.hear("left") == {"type": "left", "chapterId": chapter, "code": "not_found"}


def test_a_process_that_stops_says_so(served_api: ServedApi, door: Door) -> None:
    """The client is told to come again, to another process."""
    with talking(served_api, door.student.headers) as talk:
        talk.hear("connected")
        served_api.streams.end()
        assert talk.end() == ("unavailable", 1012)


def test_two_processes_hear_each_other(
    served_api: ServedApi, door: Door, settings: Settings, backend: Backend, chapter: str
) -> None:
    """What is saved through one process is heard on a socket of another; a session ended there is cut here."""
    second = build(settings, clock=backend.clock)
    other = ServedApi(second)
    try:
        until(lambda: second.events.healthy)
        with talking(other, door.teacher.headers) as listens, talking(served_api, door.student.headers) as saves:
            listens.ask("join-chapter", chapterId=chapter)
            saves.ask("progress-update", chapterId=chapter, questionsDelta=1)
            assert listens.hear("progress-updated")["chapterId"] == chapter
            backend.accounts.sign_out_elsewhere(door.teacher_viewer)
            assert listens.end() == ("not_signed_in", 4401)
    finally:
        other.close()
        second.close()


def test_opening_too_often_is_refused(
    door: Door, settings: Settings, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many openings a minute for one person, whatever became of them; then 429 says when to come again."""
    monkeypatch.setitem(OWN, "stream", (Rule("stream", 3, 60),))
    strict = build(settings, clock=backend.clock)
    served = ServedApi(strict)
    try:
        for _opening in range(3):
            with talking(served, door.student.headers) as talk:
                talk.hear("connected")
        with pytest.raises(InvalidStatus) as refused, talking(served, door.student.headers):
            pass
        with talking(served, door.teacher.headers) as talk:  # somebody else is not held up
            talk.hear("connected")
    finally:
        served.close()
        strict.close()
    answer = refused.value.response
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 20
    assert json.loads(answer.body or b"{}")["error"]["code"] == "rate_limited"


def test_talking_too_much_is_refused(door: Door, settings: Settings, backend: Backend) -> None:
    """Messages count against the limits of their person; the refusal says how long to wait."""
    strict = build(settings.model_copy(update={"rate_limit_user": "10/hour"}), clock=backend.clock)
    served = ServedApi(strict)
    try:
        with talking(served, door.student.headers) as talk:
            answers = [talk.ask("ping") for _message in range(15)]
    finally:
        served.close()
        strict.close()
    assert answers[0]["type"] == "pong"
    assert answers[-1]["error"]["code"] == "rate_limited"
    assert answers[-1]["error"]["retryAfterSeconds"] > 0


def _cookie(backend: Backend, door: Door) -> str:
    user = backend.accounts.me(door.teacher_viewer)
    ticket = backend.sign_in.issue_ticket(user, "browser")
    return f"session={backend.sign_in.redeem_ticket(ticket, 'browser', 'test')}"
