"""The server's processor time for every GET of the API, beside a bare Starlette route in the same process."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from httpx2 import Client

from backend.api.middleware.kept_answers import KEPT
from backend.api.openapi.permissions import ROUTES
from bench import people
from bench.api.app import BARE, FASTAPI, STARLETTE
from bench.api.client import Connection, processor_seconds, rate
from bench.made import SIZES
from bench.measures import Measure, Result, Target
from bench.pages.served import Served, served
from bench.pairs import alternating
from bench.school import Bench

API = "/api/v1"
ROUNDS, OURS_EACH, BARE_EACH = 7, 60, 300
FEWEST, TURN_SECONDS = 3, 0.3  # a connection that waits for its turn is closed after five seconds
WINDOWS, CONNECTIONS, RATE_ROUNDS = 7, 16, 60
WARM, OK = 3, 200
# Streams go on, files and documents are written whole, monitors have a token, letters a signed address, and what
# guards accounts is limited to a few requests a minute.
ASIDE = re.compile(
    r"GET (/events|.*-stream|.*/export|.*/template|.*/file|/metrics|/openapi.json|/docs.*|/mails/.*|/auth/s.*)"
)
STUDENT, TEACHER, ADMINISTRATOR = "student", "teacher", "administrator"
LIST = "GET /chapters"


@dataclass(frozen=True)
class Side:
    """A GET, and who asks."""

    connection: Connection
    path: str

    def seconds(self, count: int) -> float:
        return processor_seconds(self.connection, self.path, count)


@dataclass(frozen=True)
class Api:
    """The product as a process of its own, and one person of each role who is signed in."""

    app: Served
    tokens: Mapping[str, str]
    ids: Mapping[str, str]

    def bare(self) -> Side:
        return Side(Connection(self.app.host), BARE)

    def side(self, path: str, role: str) -> Side:
        return Side(Connection(self.app.host, self.tokens[role]), path)

    def reads(self, routes: Iterable[str]) -> Iterator[tuple[str, str, Side]]:
        """Each of these routes with the first role that is answered; those that nobody is answered are left out."""
        for route in routes:
            path = API + re.sub(r"{(\w+)}", lambda match: self.ids.get(match[1], "none"), route.removeprefix("GET "))
            for role in self.tokens:
                side = self.side(path, role)
                if [side.connection.get(path).status for _turn in range(WARM)][-1] == OK:
                    yield route, role, side
                    break
                side.connection.close()


@contextmanager
def serving(bench: Bench) -> Iterator[Api]:
    """The whole product, pages and background work included."""
    school = bench.school(SIZES["10k"])
    made = school.made
    users = {
        STUDENT: people.student(0, made.at),
        TEACHER: people.teacher(0, made.at),
        ADMINISTRATOR: people.administrator(made.at),
    }
    ids = {
        "chapterId": bench.backend(school).chapters.active()[0].id,
        "classroomId": made.classroom(0).id,
        "studentId": users[STUDENT].id,
        "userId": users[STUDENT].id,
    }
    with served(school, module="bench.api.app") as app, Client(base_url=f"http://{app.host}{API}") as client:
        yield Api(app, {role: _token(client, user.email) for role, user in users.items()}, ids)


def kept(bench: Bench) -> Sequence[Result]:
    """GETs whose answers are kept as bytes."""
    with serving(bench) as api:
        return _beside_bare(api, sorted(KEPT))


def others(bench: Bench) -> Sequence[Result]:
    """All other GETs."""
    routes = [each for each in ROUTES if each.startswith("GET ") and not ASIDE.fullmatch(each) and each not in KEPT]
    with serving(bench) as api:
        return _beside_bare(api, sorted(routes))


def empty(bench: Bench) -> Sequence[Result]:
    """An empty route of FastAPI and one of Starlette, both behind every layer of the API, as a student."""
    with serving(bench) as api:
        return [_compared("", api.side(FASTAPI, STUDENT), api.side(STARLETTE, STUDENT), OURS_EACH * 3)]


def requests(bench: Bench) -> Sequence[Result]:
    """Answers a second of the list of chapters, as a student and as nobody."""
    with serving(bench) as api:
        path, host = API + LIST.removeprefix("GET "), api.app.host
        return [
            _rates(who, host, token, path) for who, token in (("a student", api.tokens[STUDENT]), ("not signed in", ""))
        ]


def _beside_bare(api: Api, routes: Iterable[str]) -> list[Result]:
    return [_compared(f"{route}, {role}", side, api.bare(), OURS_EACH) for route, role, side in api.reads(routes)]


def _compared(part: str, ours: Side, against: Side, ours_each: int) -> Result:
    with closing(ours.connection), closing(against.connection):
        count = max(FEWEST, min(ours_each, int(TURN_SECONDS / ours.seconds(FEWEST))))
        pair = alternating(lambda: ours.seconds(count), lambda: against.seconds(BARE_EACH), rounds=ROUNDS)
    mine, other = pair.medians
    return Result(mine / other, part, mine, other, pair.samples)


def _rates(part: str, host: str, token: str, path: str) -> Result:
    def of(whose: str, where: str) -> float:
        return 1 / rate(host, whose, where, connections=CONNECTIONS, rounds=RATE_ROUNDS)

    pair = alternating(lambda: of(token, path), lambda: of("", BARE), rounds=WINDOWS)
    mine, other = pair.medians
    return Result(other / mine, part, mine, other, pair.samples, f"{1 / mine:.0f} against {1 / other:.0f} a second")


def _token(client: Client, email: str) -> str:
    signed_in = client.post("/auth/login", json={"email": email, "password": people.PASSWORD})
    return str(signed_in.raise_for_status().json()["data"]["accessToken"])


MEASURES: tuple[Measure, ...] = (
    Measure(
        "reads-kept",
        "reads",
        "A GET whose answer is kept, processor of the server",
        "a bare Starlette route in the same process",
        Target("at most", 3),
        kept,
    ),
    Measure(
        "reads-other",
        "reads",
        "Every other GET, processor of the server",
        "a bare Starlette route in the same process",
        Target("at most", 12),
        others,
    ),
    Measure(
        "reads-empty",
        "reads",
        "An empty FastAPI route, processor of the server",
        "a Starlette route behind the same layers",
        Target("at most", 1.6),
        empty,
    ),
    Measure(
        "reads-rate",
        "reads",
        "GET /chapters, answers a second over 16 connections",
        "a bare Starlette route in the same process",
        Target("at least", 0.6),
        requests,
    ),
)
