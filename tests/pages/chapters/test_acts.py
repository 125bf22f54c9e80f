"""The address to which browsers send acts: whose they may be, and what it does with the rest."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.errors import NotSignedIn
from pages.chapters.acts import LONGEST_BYTES
from pages.shell import services
from tests.pages.chapters.chapter_list import send_acts
from tests.school import School


@pytest.fixture
def token(backend: Backend, school: School, student: Viewer) -> str:
    """The browser session of the student."""
    services.install(backend)
    ticket = backend.sign_in.issue_ticket(school.user(student), "a browser")
    return backend.sign_in.redeem_ticket(ticket, "a browser", "test")


def press(backend: Backend, **more: object) -> dict[str, object]:
    """An act: five more questions on the first chapter."""
    chapter = backend.chapters.active()[0]
    return {"key": uuid4().hex, "act": "change", "ids": [chapter.id], "questionsDelta": 5, **more}


def solved(backend: Backend, student: Viewer) -> int:
    return sum(each.question_solved for each in backend.progress.record(student.id).progress.values())


def test_nobody_signed_in_is_refused_and_keeps_the_acts(backend: Backend, student: Viewer, token: str) -> None:
    """Without a session, and with one that is over, the answer is 401 and nothing is saved."""
    backend.accounts.sign_out(backend.sign_in.viewer(token))
    with pytest.raises(NotSignedIn):
        backend.sign_in.viewer(token)
    for each in ("", token):
        assert send_acts(student.id, press(backend), token=each).status_code == 401
    assert solved(backend, student) == 0


def test_acts_are_saved_for_their_person_alone(
    backend: Backend, school: School, classroom: object, student: Viewer, token: str
) -> None:
    """Somebody else's acts, left in a browser that both use, are not saved as the work of who is signed in now."""
    refused = send_acts("somebody else", press(backend), token=token)
    assert (refused.status_code, refused.json()["code"]) == (409, "other_person")
    assert solved(backend, student) == 0


def test_a_body_without_end_is_refused(backend: Backend, student: Viewer, token: str) -> None:
    """More than a page sends is not read to its end."""
    assert send_acts(student.id, press(backend, x="x" * LONGEST_BYTES), token=token).status_code == 413


def test_the_same_act_at_the_same_time_is_done_once(backend: Backend, student: Viewer, token: str) -> None:
    """A page that is left sends once more what is under way already."""
    act = press(backend)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _time: send_acts(student.id, act, token=token), range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert solved(backend, student) == 5
