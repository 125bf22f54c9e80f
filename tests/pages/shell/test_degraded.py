"""What people see while a server cannot be reached: what is known, with its time; their input; and no traceback."""

import pytest
from starlette.testclient import TestClient

from backend.accounts.models import Viewer
from backend.api import create_api
from backend.bootstrap import Backend
from backend.config import Settings
from backend.errors import Unavailable
from backend.kit.redis import client as redis
from pages.chapters.saving import Act, Saver
from tests.cut_off import Doors, behind, doors
from tests.pages.at_path import Browser, heading, html_of
from tests.school import School
from tests.waiting import until

__all__ = ["doors"]

KNOWN = "The database cannot be reached. You see what was known at"
SLOWER = "Everything works and is saved, a little slower than usual."


@pytest.fixture
def settings(doors: Doors, settings: Settings) -> Settings:
    """Servers that can be cut off."""
    return behind(doors, settings)


def _cut(backend: Backend, doors: Doors) -> None:
    """Shut the database's door; returns once the driver has noticed and calls fail at once."""

    def is_noticed() -> bool:
        try:
            backend.registration.has_users()
        except Unavailable:
            return not backend.mongo.breakers["mongodb"].is_closed
        return False

    doors.database.refuse()
    until(is_noticed)


def _heal(backend: Backend, doors: Doors) -> None:
    doors.database.heal()
    until(lambda: backend.mongo.standing.primary_lost_at is None)


def test_without_the_database_what_is_known_is_shown(
    browser: Browser, backend: Backend, doors: Doors, school: School, student: Viewer
) -> None:
    """Her page keeps its figures and says of when they are; a guest reads that it will come back; so it does."""
    until(lambda: backend.cache.healthy)
    browser.sign_in(school.user(student))
    browser.open()
    _cut(backend, doors)
    mine = browser.open()
    session = browser.cookies.pop("session")
    guest = browser.open("chapters")
    _heal(backend, doors)
    assert not mine.exception
    assert heading(mine).startswith("Hello")
    assert KNOWN in html_of(mine)
    assert not guest.exception
    assert heading(guest) == "One moment, please"
    assert heading(browser.open("chapters")) == "Sign in"
    browser.cookies["session"] = session
    assert KNOWN not in html_of(browser.open())


def test_a_page_keeps_its_title(browser: Browser, backend: Backend, doors: Doors, school: School) -> None:
    """A page of which nothing is known stands under its name and says what is away; once it is back, so is the page."""
    teacher = school.teacher(school.admin())
    school.classroom(teacher, "12 A")
    browser.sign_in(school.user(teacher))
    browser.open("settings")
    _cut(backend, doors)
    known = {path: browser.open(path) for path in ("classroom", "manage-chapters")}
    _heal(backend, doors)
    assert not any(tab.exception for tab in known.values())
    assert heading(known["classroom"]) == "Class"
    assert "This cannot be shown until the database is back." in html_of(known["classroom"])
    assert all(heading(tab) and KNOWN in html_of(tab) for tab in known.values())
    assert heading(browser.open("classroom")) == "12 A"


def test_a_save_put_off_is_done_once(backend: Backend, doors: Doors, student: Viewer) -> None:
    """The answer says that nothing is saved yet; sent again under its key, it is saved once."""
    chapter = backend.chapters.active()[0]
    act = Act(key="one-press", act="change", ids=(chapter.id,), questions_delta=3)
    saver = Saver(backend.progress, backend.clock, student)
    _cut(backend, doors)
    (put_off,) = saver.answers([act])
    _heal(backend, doors)
    (saved,) = saver.answers([act])
    assert put_off.note is None
    assert put_off.later.startswith("Not saved. ")
    assert saved.note
    assert saved.note.kind == "saved"
    assert backend.mongo["activity"].count_documents({"studentId": student.id}) == 1


def test_the_api_says_how_old_its_answers_are(backend: Backend, doors: Doors) -> None:
    """Without the database a list comes with its age and a warning; what cannot be known is 503, and when to return."""
    api = TestClient(create_api(backend), raise_server_exceptions=False)
    until(lambda: backend.cache.healthy)
    fresh = api.get("/chapters", params={"search": "motion"})
    _cut(backend, doors)
    old = api.get("/chapters", params={"search": "motion"})
    backend.cache.invalidate("*")
    refused = api.get("/chapters", params={"search": "motion"})
    _heal(backend, doors)
    assert (old.status_code, old.json()["data"]) == (200, fresh.json()["data"])
    assert "warning" not in fresh.headers
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "5"


def test_without_redis_a_line_says_so_and_everything_works(
    browser: Browser, backend: Backend, doors: Doors, school: School
) -> None:
    """Pages are drawn, and a line says that they are slower; an administrator reads why."""
    admin = school.admin()
    student = school.student(school.classroom(school.teacher(admin)))
    doors.redis.refuse()
    breaker = redis.breaker_of(backend.redis_client)
    until(lambda: not breaker.is_closed)
    browser.sign_in(school.user(student))
    hers = browser.open("chapters")
    browser.sign_in(school.user(admin))
    theirs = browser.open()
    doors.redis.heal()
    until(lambda: breaker.is_closed)
    assert not hers.exception
    assert heading(hers) == "Chapters"
    assert SLOWER in html_of(hers)
    assert "Redis" not in html_of(hers)
    assert "Redis has not answered since" in html_of(theirs)
    assert SLOWER not in html_of(browser.open())
