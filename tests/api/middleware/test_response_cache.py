"""Requests that repeat themselves: answered before the stack is asked, and never with anything but what is true."""

from datetime import timedelta

import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from backend.api import create_api
from backend.api.middleware.response_cache import Repeats
from backend.api.middleware.security import API
from backend.bootstrap import Backend, build
from backend.chapters.models import ChapterDraft
from backend.config import Settings
from backend.kit.clock import SetClock
from backend.kit.observability.metrics import REQUESTS
from backend.progress.models import ProgressChange
from tests.api.caller import Door
from tests.school import School
from tests.waiting import until

PATH = f"{API}/chapters?page=1&limit=10"
DRAFT = ChapterDraft(subject="Physics", class_="Class 11", unit="Light", chapter="Prisms")
ANEW = {"x-request-id", "ratelimit", "date"}


class Front:
    """The API as the product serves it, and how often its stack was asked."""

    def __init__(self, backend: Backend) -> None:
        api = create_api(backend)
        self.asked = 0

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self.asked += scope["type"] == "http"
            await api(scope, receive, send)

        app = Starlette(routes=[Mount(API, counted)], middleware=[Middleware(Repeats, state=api.state)])
        self.client = TestClient(app)
        until(lambda: backend.cache.healthy)

    def get(self, path: str = PATH, **headers: str) -> Response:
        return self.client.get(path, headers=headers)

    def repeated(self, **headers: str) -> Response:
        """The answer to a request that the stack was not asked for."""
        found: list[Response] = []

        def is_repeated() -> bool:
            before = self.asked
            found.append(self.get(**headers))
            return self.asked == before

        until(is_repeated)
        return found[-1]


@pytest.fixture
def front(backend: Backend) -> Front:
    return Front(backend)


def test_a_repeated_answer_is_the_first_one(front: Front) -> None:
    """Same status, body and headers; only the id of the request and what is left of the allowance are its own."""
    first, again = front.get(), front.repeated()
    assert (again.status_code, again.content) == (200, first.content)
    kept = {name: value for name, value in again.headers.items() if name not in ANEW | {"x-cache"}}
    assert kept == {name: value for name, value in first.headers.items() if name not in ANEW | {"x-cache"}}
    assert again.headers["X-Cache"] == "app"
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert again.headers["RateLimit"] != first.headers["RateLimit"]


def test_what_the_caller_has_is_not_sent_again(front: Front) -> None:
    """If-None-Match with the ETag is answered 304 without a body, however the tag is written; another tag is not."""
    tag = front.repeated().headers["ETag"]
    for wanted in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = front.repeated(**{"If-None-Match": wanted})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == tag
        assert "content-length" not in answer.headers
    assert front.repeated(**{"If-None-Match": '"other"'}).status_code == 200


def test_the_callers_own_id_is_taken_over(front: Front) -> None:
    """A plain one; anything else gets one of ours."""
    assert front.repeated(**{"X-Request-Id": "timetable-4711"}).headers["X-Request-Id"] == "timetable-4711"
    assert front.repeated(**{"X-Request-Id": "no id!"}).headers["X-Request-Id"] != "no id!"


def test_every_repetition_is_observed(front: Front, backend: Backend) -> None:
    """Metrics count it as any other request of its route."""
    front.repeated()
    before = backend.metrics.read(REQUESTS)["GET /chapters"].count
    for _request in range(5):
        front.get()
    assert backend.metrics.read(REQUESTS)["GET /chapters"].count == before + 5


def test_a_changed_catalogue_shows_at_once(front: Front, backend: Backend, school: School) -> None:
    """A chapter that is added is there with the next request, and gone with the next one after it is archived."""
    teacher = school.teacher(school.admin())
    total = front.repeated().json()["pagination"]["total"]
    chapter = backend.chapters.create(teacher, DRAFT)
    assert front.get().json()["pagination"]["total"] == total + 1
    front.repeated()
    backend.chapters.archive(teacher, chapter.id)
    assert front.get().json()["pagination"]["total"] == total


def test_a_student_sees_her_own_save_at_once(door: Door, backend: Backend) -> None:
    """And nobody else's: each caller's answers are her own."""
    front, headers = Front(backend), door.student.headers
    chapter = front.repeated(**headers).json()["data"][0]
    backend.progress.change(door.student_viewer, chapter["id"], ProgressChange(questions_delta=3), key="one")
    assert front.get(**headers).json()["data"][0]["questionSolved"] == chapter["questionSolved"] + 3
    assert front.repeated(**headers).headers["Cache-Control"] == "private, no-cache"
    assert "questionSolved" not in front.get(**door.teacher.headers).json()["data"][0]
    assert "questionSolved" not in front.get().json()["data"][0]


def test_a_session_that_ended_is_not_answered(door: Door, backend: Backend) -> None:
    """The next request after signing out is refused, though the answer lies ready."""
    front, headers = Front(backend), door.student.headers
    assert front.repeated(**headers).status_code == 200
    assert door.student.post("/auth/logout").status_code == 200
    assert front.get(**headers).status_code == 401


def test_a_token_that_expired_is_not_answered(door: Door, backend: Backend, clock: SetClock) -> None:
    """A quarter of an hour later the same token is refused once the answer has gone its two seconds."""
    front, headers = Front(backend), door.student.headers
    assert front.repeated(**headers).status_code == 200
    clock.advance(timedelta(minutes=16))
    until(lambda: front.get(**headers).status_code == 401)


def test_repetitions_use_up_the_allowance(settings: Settings, clock: SetClock) -> None:
    """Of 200 a day exactly 200 are answered, repeated or not, and then none."""
    few = {"rate_limit_anonymous": "200/day", "rate_limit_burst": "1000/day"}
    backend = build(settings.model_copy(update=few), clock=clock)
    try:
        front = Front(backend)
        answers = [front.get().status_code for _request in range(230)]
        assert answers == [200] * 200 + [429] * 30
        assert front.asked < 200
    finally:
        backend.close()


def test_who_does_not_hear_of_changes_repeats_nothing(backend: Backend) -> None:
    """With the listener gone every request goes through the stack."""
    front = Front(backend)
    front.repeated()
    backend.cache.close()
    until(lambda: not backend.cache.healthy)
    before = front.asked
    assert [front.get().status_code for _request in range(3)] == [200] * 3
    assert front.asked == before + 3


def test_searches_and_long_addresses_are_not_kept(front: Front) -> None:
    """What people type is asked for once: it takes no room."""
    for path in (f"{API}/chapters?search=thermo", f"{API}/chapters?limit=10&subject={'x' * 300}"):
        for _request in range(3):
            before = front.asked
            assert front.get(path).status_code in (200, 422)
            assert front.asked == before + 1
