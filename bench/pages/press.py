"""A press of +5 in a row of chapters, as the browser sends it: beside the API's own save, and in a larger catalogue."""

from collections.abc import Callable, Sequence
from functools import cache
from statistics import median

from httpx2 import Client, Response

from backend.bootstrap import Backend
from backend.chapters.changes import TAG
from backend.chapters.importing import new_chapter
from backend.chapters.models import Chapter, ChapterDraft
from backend.chapters.queries import ChapterQueries
from backend.kit.mongo.client import new_id
from backend.progress.models import ProgressChange
from bench import people
from bench.made import CHAPTERS, Made
from bench.measures import Measure, Result, Target
from bench.pages.served import OK, Served, served, session
from bench.school import Bench, School

LARGER = 5 * CHAPTERS
ROUNDS, PRESSES = 8, 25

Press = Callable[[], Response]


@cache
def _found(bench: Bench) -> tuple[dict[str, float], int]:
    """Median processor seconds of a save by each way, and the bytes of an answer to +5."""
    with bench.scratch() as (backend, made), bench.scratch() as (larger, larger_made):
        _grow(larger, larger_made)
        schools = [
            School(bench.settings(each.mongo.database.name), at)
            for each, at in ((backend, made), (larger, larger_made))
        ]
        cookies = [session(school, school.made.student(0)) for school in schools]
        with served(schools[0]) as app, served(schools[1]) as larger_app:
            ways = {
                "api": (app, _by_api(app, backend, made)),
                "page": (app, _by_page(app, cookies[0], backend, made)),
                "larger": (larger_app, _by_page(larger_app, cookies[1], larger, larger_made)),
            }
            seconds: dict[str, list[float]] = {name: [] for name in ways}
            for _round in range(ROUNDS):
                for name, (server, press) in ways.items():
                    seconds[name].append(_each(server, press))
            answer = ways["page"][1]()
    size = len(answer.content) + sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
    return {name: median(taken) for name, taken in seconds.items()}, size


def _each(server: Served, press: Press) -> float:
    press()
    began = server.busy_seconds()
    for _press in range(PRESSES):
        answer = press()
        assert answer.status_code == OK, answer.text  # noqa: S101 - as in a test
    return (server.busy_seconds() - began) / PRESSES


def _client(server: Served, cookie: str) -> Client:
    cookies = {"session": cookie} if cookie else {}
    return Client(base_url=f"http://{server.host}", cookies=cookies, headers={"Accept-Encoding": "gzip"})


def _by_page(server: Served, cookie: str, backend: Backend, made: Made) -> Press:
    client, chapter, person = _client(server, cookie), backend.chapters.active()[-1], made.student(0).id

    def press() -> Response:
        act = {"key": new_id() + new_id(), "act": "change", "ids": [chapter.id], "questionsDelta": 5, "confirm": True}
        return client.post("/acts/progress", json={"person": person, "acts": [act]})

    return press


def _by_api(server: Served, backend: Backend, made: Made) -> Press:
    client, chapter = _client(server, ""), backend.chapters.active()[-1]
    person = {"email": made.student(0).email, "password": people.PASSWORD}
    token = client.post("/api/v1/auth/login", json=person).json()["data"]["accessToken"]
    client.headers["Authorization"] = f"Bearer {token}"

    def press() -> Response:
        change = {"questionsDelta": 5, "confirm": True}
        headers = {"Idempotency-Key": new_id()}
        return client.post(f"/api/v1/chapters/{chapter.id}/progress", json=change, headers=headers)

    return press


def _another(chapter: Chapter, number: int) -> ChapterDraft:
    return ChapterDraft(
        subject=chapter.subject,
        class_=chapter.class_,
        unit=chapter.unit,
        chapter=f"{chapter.chapter} {number}",
        year_wise_question_count=chapter.year_wise_question_count,
    )


def _grow(backend: Backend, made: Made) -> None:
    """Four chapters more beside each one, and the first student's work on all of them."""
    student, chapters = made.student(0), list(backend.chapters.active())
    more = [
        new_chapter(_another(chapter, number), made.at)
        for number in range(1, LARGER // CHAPTERS)
        for chapter in chapters
    ]
    backend.mongo.transaction(lambda session: ChapterQueries(backend.mongo).add(session, more))
    backend.cache.invalidate(TAG)
    for first in range(0, len(more), 50):
        changes = {each.id: ProgressChange(questions_delta=1) for each in more[first : first + 50]}
        backend.progress.change_many(student, changes, key=new_id(), confirm=True)


def against_the_api(bench: Bench) -> Sequence[Result]:
    """Processor of the server for one press on a page, beside the same save over the API."""
    found, size = _found(bench)
    note = f"an answer of {size / 1e3:.1f} kB, headers included"
    return [Result(found["page"] / found["api"], "", found["page"], found["api"], ROUNDS * PRESSES, note)]


def in_a_larger_catalogue(bench: Bench) -> Sequence[Result]:
    """Processor of the server for one press with five times as many chapters."""
    found, _size = _found(bench)
    return [Result(found["larger"] / found["page"], "", found["larger"], found["page"], ROUNDS * PRESSES)]


def answer_size(bench: Bench) -> Sequence[Result]:
    """Bytes that come back for one press."""
    _seconds, size = _found(bench)
    return [Result(size / 1e3, samples=1)]


_PRESS = "A press of +5 on a page"

MEASURES: tuple[Measure, ...] = (
    Measure(
        "press", "pages", f"{_PRESS}, processor", "the same save over the API", Target("at most", 4), against_the_api
    ),
    Measure(
        "press-larger",
        "pages",
        f"{_PRESS} with {LARGER} chapters, processor",
        f"{CHAPTERS} chapters",
        Target("at most", 1.3),
        in_a_larger_catalogue,
    ),
    Measure("press-bytes", "pages", f"{_PRESS}: the answer", "", Target("at most", 4, "kB"), answer_size),
)
