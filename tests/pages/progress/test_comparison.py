"""Figures over others on pages: a student's by choice, a class's for its teacher."""

from datetime import timedelta

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.kit.clock import SetClock
from backend.progress.models import ProgressChange
from pages.classrooms.statistics import _range
from tests.classrooms.builders import save
from tests.pages.at_path import Browser, html_of
from tests.school import School
from tests.statistics.builders import settle

DONE = ProgressChange(questions_delta=60, status="Completed")


def test_others_are_shown_by_choice_and_never_a_few(
    backend: Backend, browser: Browser, school: School, classroom: Classroom, clock: SetClock
) -> None:
    """Before the switch nothing of others is on the page; with few who count their figures are dashes."""
    me, *others = [school.student(classroom, f"S{number}") for number in range(6)]
    save(backend, me, 0, "k", DONE)
    browser.sign_in(school.user(me))
    tab = browser.open("insights")
    assert "Your classes" not in html_of(tab)
    tab.toggle(key="beside-others").set_value(True).run()
    assert "Your classes" in html_of(tab)
    assert [each.value for each in tab.caption if "fewer than five" in each.value]
    settle(backend, clock, [*others, me], wait=timedelta(days=13))  # with three of work sixteen
    browser.sign_in(school.user(me))
    tab = browser.open("insights")
    tab.toggle(key="beside-others").set_value(True).run()
    assert [each.value for each in tab.caption if "About 5 in your classes." in each.value]


def test_a_class_in_numbers(
    backend: Backend, browser: Browser, school: School, teacher: Viewer, classroom: Classroom
) -> None:
    """The histograms hold every learner, the table every unit, and a subject narrows both."""
    save(backend, school.student(classroom, "Asha"), 0, "k", DONE)
    school.student(classroom, "Bina")
    browser.sign_in(school.user(teacher))
    tab = browser.open("classroom")
    tab.segmented_control(key="class-view").set_value("numbers").run()
    assert not tab.exception
    shown = html_of(tab)
    assert "2 learners in the class." in shown
    units = {(chapter.subject, chapter.unit) for chapter in backend.chapters.active()}
    assert shown.split("The class by unit</caption>")[1].count('<th scope="row"') == len(units)
    tab.selectbox(key="numbers-subject").set_value("Chemistry").run()
    of_subject = html_of(tab).split("The class by unit</caption>")[1]
    assert of_subject.count('<th scope="row"') == sum(subject == "Chemistry" for subject, _unit in units)


def test_bins_are_named_as_people_say_them(backend: Backend, teacher: Viewer, classroom: Classroom) -> None:
    """One number, a range, and what is beyond the last."""
    spread = backend.class_statistics.distribution(teacher, classroom.id)
    assert [_range(one, "%") for one in spread.completion][:2] == ["0%", "1–25%"]
    assert _range(spread.solved[-1], "") == "over 1,000"
