"""An answer belongs to the credential of its own request: shapes of headers × routes × moments, on real sockets."""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, permutations

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from backend.accounts.models import Viewer
from backend.api.credentials import by_token, is_still
from backend.api.middleware.kept_answers import KEPT, REGION
from backend.bootstrap import Backend
from backend.kit.clock import SetClock
from backend.kit.security.tokens import ACCESS_SECONDS
from tests.api.caller import Door
from tests.api.raw import PATIENCE_SECONDS, Raw, body_of, head_of, statuses
from tests.api.streaming.listening import ServedApi, whole_api
from tests.waiting import until

__all__ = ["whole_api"]

REFUSED, REPEATED = 401, 400
JSON = "Content-Type: application/json"
Lines = tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """Header lines; who a read, a write and the opening of a socket with them speak for, or the status they get."""

    lines: Lines
    reads: str | int | None
    writes: str | int | None
    opens: str | int | None


@dataclass(frozen=True)
class People:
    """Two people with an access token and a browser's session each."""

    ids: dict[str, str]
    tokens: dict[str, str]
    cookies: dict[str, str]


@pytest.fixture
def people(door: Door, backend: Backend) -> People:
    found: dict[str, Viewer] = {"a": door.student_viewer, "b": door.teacher_viewer}
    tokens = {"a": door.student.headers["Authorization"], "b": door.teacher.headers["Authorization"]}
    return People(
        ids={who: viewer.id for who, viewer in found.items()},
        tokens={who: token.removeprefix("Bearer ") for who, token in tokens.items()},
        cookies={who: _session(backend, viewer) for who, viewer in found.items()},
    )


def _session(backend: Backend, viewer: Viewer) -> str:
    ticket = backend.sign_in.issue_ticket(backend.accounts.me(viewer), "browser")
    return backend.sign_in.redeem_ticket(ticket, "browser", "test")


def shapes(people: People) -> Iterator[Shape]:
    """All shapes, good ones between bad ones so that each could leave something behind for the next."""
    token, cookie = people.tokens, people.cookies
    yield Shape((), None, None, None)
    for who in "ab":
        good = f"Bearer {token[who]}"
        for line in (
            f"Authorization: {good}",
            f"authorization: bearer {token[who]}",
            f"AUTHORIZATION: BEARER   {token[who]}  ",
        ):
            yield Shape((line,), who, who, who)
        yield from _twice(good, token["b" if who == "a" else "a"])
        yield Shape((f"Authorization: {good}", f"Cookie: session={cookie['b']}"), who, who, who)
        yield from _bad_tokens(token[who], cookie[who])
        yield from _cookies(who, cookie)


def _twice(good: str, other: str) -> Iterator[Shape]:
    others = ("Bearer null", "Bearer", "", "Basic YTpi", "Bearer undefined", f"Bearer {other}", good)
    for second in others:
        for pair in permutations((good, second)):
            lines = (f"Authorization: {pair[0]}", "X-Between: 1", f"authorization: {pair[1]}")
            yield Shape(lines, REPEATED, REPEATED, REPEATED)


def _bad_tokens(token: str, cookie: str) -> Iterator[Shape]:
    head, payload, signature = token.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    bad = (
        "Bearer null", "Bearer undefined", "Bearer", "Bearer  ", "", "null", "Basic YTpi", f"Basic {token}", token,
        f"Token {token}", f"Bearer {token[:-2]}", f"Bearer {token}x", f"Bearer {token}.", f"Bearer {token},",
        f"Bearer {token}, Bearer {token}", f"Bearer Bearer {token}", f'Bearer "{token}"', f"Bearer {cookie}",
        f"Bearer {none}.{payload}.", f"Bearer {none}.{payload}.{signature}", f"Bearer {head}..{signature}",
        f"Bearer session={cookie}", "Bearer \xff\xfe", f"Bearer\xa0{token}", f"Bearer\t{token}",
    )  # fmt: skip
    for value in bad:
        yield Shape((f"Authorization: {value}",), REFUSED, REFUSED, REFUSED)
    # A cookie does not stand in for a token that is not valid.
    yield Shape((f"Cookie: session={cookie}", "Authorization: Bearer null"), REFUSED, REFUSED, REFUSED)


def _cookies(who: str, cookie: dict[str, str]) -> Iterator[Shape]:
    mine, other = cookie[who], cookie["b" if who == "a" else "a"]
    for value in (f"session={mine}", f"browser=x; session={mine}; theme=dark", f"session={mine};session={mine}"):
        yield Shape((f"Cookie: {value}",), who, None, None)
    yield Shape((f"Cookie: session={mine}", "Origin: http://127.0.0.1"), who, None, who)
    without = ("session=deleted", "session=", "session", "", f"Session={mine}", f"sessions={mine}", f"x=session={mine}")
    for value in without:
        yield Shape((f"Cookie: {value}",), None, None, None)
    yield Shape((f"Cookie: session={mine}", "Sec-Fetch-Site: cross-site"), None, 403, 403)
    for pair in permutations((mine, other)):
        yield Shape((f"Cookie: session={pair[0]}; session={pair[1]}",), REPEATED, REPEATED, REPEATED)
    for pair in permutations((mine, "deleted")):
        yield Shape((f"Cookie: session={pair[0]}", f"Cookie: session={pair[1]}"), REPEATED, REPEATED, REPEATED)


class Front:
    """The four kinds of routes, and who each took a request to be from."""

    def __init__(self, served: ServedApi, people: People) -> None:
        self._raw, self._port = Raw(served.port), served.port
        self._sources = cycle(f"127.0.0.{number}" for number in range(2, 200))  # each has its own limit of streams
        self._names = {person: who for who, person in people.ids.items()}

    def reads(self, lines: Sequence[str]) -> str | int | None:
        return self._who(self._raw.ask("GET", "/api/v1/auth/me", lines))

    def lists(self, lines: Sequence[str]) -> int:
        """The status of what anybody may read: a token that is not valid is refused here too."""
        return statuses(self._raw.ask("GET", "/api/v1/chapters?limit=1", lines))[0]

    def writes(self, lines: Sequence[str]) -> str | int | None:
        return self._who(self._raw.ask("PATCH", "/api/v1/auth/me", (*lines, JSON), b'{"dailyGoal": 25}'))

    def streams(self, lines: Sequence[str]) -> str | int | None:
        """Whose own room is let in: that of the one who asks, and nobody else's."""
        let_in, raw = [], Raw(self._port, source=next(self._sources))
        for person, who in self._names.items():
            answer = raw.ask("HEAD", f"/api/v1/events?rooms=student:{person}", lines)
            if statuses(answer) == [200]:
                let_in.append(who)
            elif statuses(answer)[0] != 404:
                return _nobody(raw.ask("GET", f"/api/v1/events?rooms=student:{person}", lines))
        assert len(let_in) == 1
        return let_in[0]

    def opens(self, lines: Sequence[str]) -> str | int | None:
        """What a socket is told first: "connected"; None where it ends because nobody stands behind it."""
        pairs = [(name, value.strip()) for name, _colon, value in (line.partition(":") for line in lines)]
        own = [(name, value if name != "Origin" else f"{value}:{self._port}") for name, value in pairs]
        address = f"ws://127.0.0.1:{self._port}/api/v1/ws"
        try:
            with connect(address, additional_headers=own, open_timeout=PATIENCE_SECONDS) as socket:
                socket.send(json.dumps({"type": "ping"}))  # no way to say who one is
                said = json.loads(socket.recv(PATIENCE_SECONDS))
        except InvalidStatus as refused:
            return refused.response.status_code
        except ConnectionClosed:
            return None
        return said["type"] if said["type"] == "connected" else None

    def _who(self, answer: bytes) -> str | int | None:
        if statuses(answer) == [200]:
            return self._names[json.loads(body_of(answer))["data"]["id"]]
        return _nobody(answer)


def _nobody(answer: bytes) -> int | None:
    status = statuses(answer)[0]
    if status == REFUSED and b"Please sign in first" in answer:
        return None
    return status


class KeptRoutes:
    """Every kept route, and what each person and nobody is answered there."""

    def __init__(self, served: ServedApi, people: People, backend: Backend, classroom_id: str) -> None:
        self._raw = Raw(served.port)
        chapter_id = backend.chapters.active()[0].id
        ids = {"{chapterId}": chapter_id, "{classroomId}": classroom_id}
        self._paths = [f"/api/v1{_with_ids(route, ids)}" for route in sorted(KEPT)]
        for _turn in range(3):  # from the third time on the answers are kept ones
            self._due: dict[str | int | None, list[tuple[object, object]]] = {None: self._answers(())}
            for who, token in people.tokens.items():
                self._due[who] = self._answers((f"Authorization: Bearer {token}",))

    def wrong(self, shape: Shape) -> list[str]:
        """The routes that answered these headers otherwise than to their own credential."""
        found, due = self._answers(shape.lines), self._due.get(shape.reads)
        if due is None:  # a status: each route refuses
            due = [(shape.reads, None) for _path in self._paths]
        return [
            f"{shape.lines}: {path}: {ours[0]} for {theirs[0]}"
            for path, ours, theirs in zip(self._paths, found, due, strict=True)
            if ours != theirs
        ]

    def _answers(self, lines: Sequence[str]) -> list[tuple[object, object]]:
        """Status and data of each route, asked one behind the other on one connection."""
        head = "".join(f"{line}\r\n" for line in ("Host: 127.0.0.1", *lines))
        asked = [f"GET {path} HTTP/1.1\r\n{head}" for path in self._paths]
        asked[-1] += "Connection: close\r\n"
        left, found = self._raw.send("\r\n".join([*asked, ""]).encode("latin-1")), list[tuple[object, object]]()
        while left:
            length = int(head_of(left)["content-length"])
            status, body, left = statuses(left)[0], body_of(left)[:length], body_of(left)[length:]
            found.append((status, _told(json.loads(body))))
        return found


def _with_ids(route: str, ids: dict[str, str]) -> str:
    path = route.removeprefix("GET ")
    for name, value in ids.items():
        path = path.replace(name, value)
    return path


def _told(body: dict[str, object]) -> object:
    """The data of an answer without the time that it was made; nothing of a refusal."""
    data = body.get("data")
    return {name: value for name, value in data.items() if name != "asOf"} if isinstance(data, dict) else data


@pytest.mark.timeout(300)
def test_every_kept_answer_is_its_own_credentials(
    whole_api: ServedApi, people: People, door: Door, backend: Backend, clock: SetClock
) -> None:
    """On every kept route: now, in the other order, after 15 minutes, and when both have signed out."""
    routes, all_shapes = KeptRoutes(whole_api, people, backend, door.classroom.id), list(shapes(people))
    assert [wrong for shape in all_shapes for wrong in routes.wrong(shape)] == []
    assert [wrong for shape in reversed(all_shapes) for wrong in routes.wrong(shape)] == []
    clock.advance(timedelta(minutes=16))
    expired = [_without_tokens(shape) for shape in all_shapes]
    assert [wrong for shape in expired for wrong in routes.wrong(shape)] == []
    for who in "ab":
        backend.accounts.sign_out(backend.sign_in.viewer(people.cookies[who]))
    ended = [_without_cookies(shape) for shape in expired]
    assert [wrong for shape in ended for wrong in routes.wrong(shape)] == []
    assert next(each for each in backend.cache.statistics() if each.name == REGION).hits_app > len(all_shapes)


def walk(front: Front, all_shapes: Sequence[Shape]) -> list[str]:
    """What was answered otherwise than to its own credential."""
    wrong = []
    for shape in all_shapes:
        found = (front.reads(shape.lines), front.streams(shape.lines), front.writes(shape.lines))
        if found != (shape.reads, shape.reads, shape.writes):
            wrong.append(f"{shape.lines}: {found}")
        expected = shape.reads if shape.reads in (REFUSED, REPEATED) else 200
        if front.lists(shape.lines) != expected:
            wrong.append(f"{shape.lines}: the list said {front.lists(shape.lines)}")
    return wrong


@pytest.mark.timeout(300)
def test_every_answer_is_its_own_credentials(
    whole_api: ServedApi, people: People, backend: Backend, clock: SetClock
) -> None:
    """Now, again when each has been asked once, after 15 minutes, and when both have signed out."""
    front, all_shapes = Front(whole_api, people), list(shapes(people))
    assert walk(front, all_shapes) == []
    assert walk(front, list(reversed(all_shapes))) == []
    clock.advance(timedelta(minutes=16))
    expired = [_without_tokens(shape) for shape in all_shapes]
    assert walk(front, expired) == []
    for who in "ab":
        backend.accounts.sign_out(backend.sign_in.viewer(people.cookies[who]))
    until(lambda: front.reads((f"Cookie: session={people.cookies['a']}",)) is None)
    assert walk(front, [_without_cookies(shape) for shape in expired]) == []


def _without_tokens(shape: Shape) -> Shape:
    """What the same shape is worth once every token has expired."""
    has_token = any(line.lower().startswith("authorization:") for line in shape.lines)
    if has_token and isinstance(shape.reads, str):
        return Shape(shape.lines, REFUSED, REFUSED, REFUSED)
    return shape


def _without_cookies(shape: Shape) -> Shape:
    """What the same shape is worth once every session has ended."""
    return shape if not isinstance(shape.reads, str) else Shape(shape.lines, None, shape.writes, REFUSED)


@pytest.mark.timeout(300)
def test_a_socket_is_its_own_credentials(whole_api: ServedApi, people: People, clock: SetClock) -> None:
    """Open at once, or ended with why; a quarter of an hour later no token opens one."""
    front = Front(whole_api, people)
    few = [shape for shape in shapes(people) if not any("\xff" in line or "\xa0" in line for line in shape.lines)]
    for shape in few:
        said = front.opens(shape.lines)
        if shape.opens == REFUSED:
            assert said in (None, 403), shape.lines
        else:
            assert said == ("connected" if isinstance(shape.opens, str) else shape.opens), shape.lines
    clock.advance(timedelta(minutes=16))
    for who in "ab":
        assert front.opens((f"Authorization: Bearer {people.tokens[who]}",)) != "connected"


def test_a_revoked_session_answers_nothing(whole_api: ServedApi, people: People, backend: Backend) -> None:
    """A session that was ended from another one answers no further request; the other one does."""
    front = Front(whole_api, people)
    token, cookie = f"Authorization: Bearer {people.tokens['a']}", f"Cookie: session={people.cookies['a']}"
    assert (front.reads((token,)), front.reads((cookie,))) == ("a", "a")
    backend.accounts.sign_out_elsewhere(backend.sign_in.viewer(people.cookies["a"]))
    assert (front.reads((token,)), front.reads((cookie,))) == (REFUSED, "a")


def test_a_held_viewer_does_not_carry_an_ended_token_on(people: People, backend: Backend, clock: SetClock) -> None:
    """A person known here is the same while the token lasts; after that, or unheld, a server is asked."""
    until(lambda: backend.cache.healthy)
    find = by_token(backend, people.tokens["a"]).viewer
    viewer = find()
    assert is_still(viewer, find)
    assert not is_still(viewer, by_token(backend, people.tokens["b"]).viewer)
    backend.cache.invalidate("viewers")
    assert not is_still(viewer, find)
    assert find() == viewer
    clock.advance(timedelta(seconds=ACCESS_SECONDS))
    assert not is_still(viewer, find)
