"""Limits on the pages: administrators see how they stand, and who is too fast is told so kindly."""

from collections.abc import Iterator

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.errors import RateLimited
from backend.kit.clock import SetClock
from backend.kit.limiter.load_governor import Governor, Readings
from backend.progress.service import ProgressService
from pages.chapters import saving
from pages.operations import limits
from tests.pages.at_path import Browser, html_of
from tests.school import School


class Loaded:
    """A machine in distress."""

    def read(self) -> Readings:
        return Readings(cpu=1.0, loop_delay_seconds=3.0)


def test_the_health_page_says_how_limits_stand(browser: Browser, school: School) -> None:
    """In a sentence, key figures and tables: what presses, the allowances, what was decided."""
    browser.sign_in(school.user(school.admin()))
    tab = browser.open("health")
    tab.button_group("health.details").set_value("limits").run()
    drawn = html_of(tab)
    assert "Programs have their whole allowance." in drawn
    for caption in ("Load of this machine", "Allowances of programs", "Decisions of this process"):
        assert f"<caption>{caption}</caption>" in drawn


def test_the_health_page_says_why_less_is_allowed(browser: Browser, backend: Backend, school: School) -> None:
    """With the machine in distress the share is shown, and which parts press."""
    governor = Governor(Loaded())
    for _second in range(30):
        governor.sample()
    backend.limits._governor, backend.limits._is_adaptive = governor, True
    admin = school.admin()
    assert limits.verdict(backend.limits.report(admin)) == (
        "Programs have 25% of their allowance, because this machine is loaded: Processors and Delay of the event loop."
    )
    browser.sign_in(school.user(admin))
    tab = browser.open("health")
    tab.button_group("health.details").set_value("limits").run()
    assert "because this machine is loaded" in html_of(tab)


@pytest.fixture
def hasty(settings: Settings, clock: SetClock) -> Iterator[Backend]:
    """A school in which a person may make two changes an hour."""
    built = build(settings.model_copy(update={"rate_limit_user": "2/hour"}), clock=clock)
    try:
        yield built
    finally:
        built.close()


def test_a_change_too_many_is_kept_and_explained(hasty: Backend) -> None:
    """What was entered stays in the browser, which is told when to send it again, and is not asked to go on before."""
    school = School(hasty)
    student: Viewer = school.student(school.classroom(school.teacher(school.admin())))
    chapters = hasty.chapters.active()

    def admit(viewer: Viewer) -> None:
        hasty.limits.admit(viewer, "", "page")

    service: ProgressService = hasty.progress
    saver = saving.Saver(service, hasty.clock, student, admit=admit)
    acts = [
        saving.Act(key=f"act{number}", act="change", ids=(chapters[number].id,), questions_delta=1)
        for number in range(4)
    ]
    answers = saver.answers(acts)
    assert [answer.note.kind if answer.note else "later" for answer in answers] == ["saved", "saved", "later"]
    assert answers[-1].later == "That was too much at once. You can continue in 30 minutes."
    assert answers[-1].wait_seconds == pytest.approx(1800, abs=60)


def test_people_are_not_held_up_by_their_programs(hasty: Backend) -> None:
    """Pages and programs are counted apart, and a loaded machine takes nothing from people."""
    school = School(hasty)
    student = school.student(school.classroom(school.teacher(school.admin())))
    hasty.limits._governor = Governor(Loaded())
    for _second in range(30):
        hasty.limits._governor.sample()
    while hasty.limits.decide(student, "", "api").allowed:
        pass
    hasty.limits.admit(student, "", "page")
    hasty.limits.admit(student, "", "page")
    with pytest.raises(RateLimited):
        hasty.limits.admit(student, "", "page")
