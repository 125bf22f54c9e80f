"""A teacher's first screen: her classes in figures that agree with the class page, and who needs her first."""

from datetime import timedelta

from streamlit.testing.v1 import AppTest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.kit.clock import SetClock
from backend.kit.i18n import percent
from backend.progress.models import ProgressChange
from pages.classrooms import teacher_home
from tests.classrooms.builders import save
from tests.pages.at_path import Browser, html_of
from tests.pages.sortable import SortableTable
from tests.school import School

COMPLETED = ProgressChange(status="Completed")


def home(browser: Browser, school: School, viewer: Viewer) -> AppTest:
    browser.sign_in(school.user(viewer))
    tab = browser.open()
    assert not tab.exception, tab.exception[0].value
    return tab


def test_class_cards_say_what_the_class_page_says(
    backend: Backend, browser: Browser, school: School, teacher: Viewer
) -> None:
    """Learners, active, average completed and flagged of each own class are the report's; other classes are absent."""
    classroom = school.classroom(teacher)
    save(backend, school.student(classroom), 0, "a", COMPLETED)
    school.student(classroom, "Silent Sam")
    shown = html_of(home(browser, school, teacher))
    figures = backend.reports.report(teacher, classroom.id).figures
    assert "12 A" in shown
    for label, value in (
        ("Learners", "2"),
        ("Active in 7 days", "1"),
        ("Average completed", percent(figures.average_completed or 0)),
        ("Need attention", str(figures.flagged)),
    ):
        assert f"<dt>{label}</dt><dd>{value}</dd>" in shown


def test_only_own_classes_have_a_card(browser: Browser, school: School) -> None:
    """The class of another teacher is not on this home."""
    admin = school.admin()
    mine, hers = school.teacher(admin), school.teacher(admin, "Other Omkar")
    school.classroom(mine, "Mine")
    school.classroom(hers, "Hers")
    shown = html_of(home(browser, school, mine))
    assert "Mine</h2>" in shown
    assert "Hers" not in shown


def test_most_signals_come_first_over_all_classes(
    backend: Backend, browser: Browser, school: School, teacher: Viewer, clock: SetClock
) -> None:
    """Learners of two classes stand in one list, the one with more signals first, each with class and reasons."""
    morning, evening = school.classroom(teacher, "Morning"), school.classroom(teacher, "Evening")
    slow, silent = school.student(morning, "Alert Anu"), school.student(evening, "Zero Zoya")
    save(backend, slow, 0, "s", ProgressChange(questions_delta=3))
    clock.advance(timedelta(days=10))
    save(backend, slow, 0, "s2", ProgressChange(questions_delta=3))
    clock.advance(timedelta(days=8))
    table = SortableTable(home(browser, school, teacher), teacher_home.FLAGGED)
    assert [row.split(" ")[1] for row in table.ids] == [silent.id, slow.id]
    assert table.texts(table.ids[0]) == {
        "Learner": "Zero Zoya",
        "Class": "Evening",
        "Flag": "At risk",
        "Why": "No activity since joining 18 days ago",
    }
    assert table.texts(table.ids[1])["Why"] == "No activity for 8 days"


def test_a_learner_of_two_classes_is_one_row(
    backend: Backend, browser: Browser, school: School, teacher: Viewer, clock: SetClock
) -> None:
    """Whoever is in two classes stands once, with both, judged since the first of them, in any table the same."""
    morning = school.classroom(teacher, "Morning")
    silent = school.student(morning, "Zero Zoya")
    clock.advance(timedelta(days=18))
    evening = school.classroom(teacher, "Evening")
    backend.classrooms.join(silent, evening.join_code or "")
    table = SortableTable(home(browser, school, teacher), teacher_home.FLAGGED)
    (row,) = table.ids
    assert table.texts(row) == {
        "Learner": "Zero Zoya",
        "Class": "Evening and Morning",
        "Flag": "At risk",
        "Why": "No activity since joining 18 days ago",
    }
    flags = {backend.reports.report(teacher, each.id).learners[0].flag for each in (morning, evening)}
    assert flags == {"at risk"}


def test_at_most_eight_are_listed(browser: Browser, school: School, teacher: Viewer, clock: SetClock) -> None:
    """Of ten learners who need attention eight are shown, and the table says that there are ten."""
    classroom = school.classroom(teacher)
    for number in range(10):
        school.student(classroom, f"Learner {number}")
    clock.advance(timedelta(days=20))
    table = SortableTable(home(browser, school, teacher), teacher_home.FLAGGED)
    assert len(table.ids) == 8
    assert table.data["caption"] == "The first 8 of 10 learners who need attention"


def test_a_learner_opens_in_her_class(
    backend: Backend, browser: Browser, school: School, teacher: Viewer, clock: SetClock
) -> None:
    """A click on the list leads to the class page with that learner open."""
    classroom = school.classroom(teacher)
    student = school.student(classroom, "Quiet Qamar")
    clock.advance(timedelta(days=20))
    tab = home(browser, school, teacher)
    SortableTable(tab, teacher_home.FLAGGED).open(f"{classroom.id} {student.id}")
    assert "<span>Quiet Qamar</span></h2>" in html_of(tab)
    assert tab.query_params == {"id": classroom.id, "learner": student.id}


def test_hidden_names_hide_on_home_too(browser: Browser, school: School, teacher: Viewer, clock: SetClock) -> None:
    """The switch replaces the names in the list over all classes."""
    school.student(school.classroom(teacher), "Quiet Qamar")
    clock.advance(timedelta(days=20))
    tab = home(browser, school, teacher)
    tab.toggle(key="hide-names").set_value(True).run()
    table = SortableTable(tab, teacher_home.FLAGGED)
    assert table.texts(table.ids[0])["Learner"] == "Learner 1"
    assert "Qamar" not in str(table.data)


def test_a_new_teacher_makes_a_class_here(browser: Browser, school: School, teacher: Viewer) -> None:
    """Without a class the page says what to do first, and does it."""
    tab = home(browser, school, teacher)
    assert "Make your first class" in html_of(tab)
    tab.text_input(key="create-home-name").set_value("12 B")
    next(each for each in tab.button if each.label == "Create class").click().run()
    assert [each.name for each in school.backend.classrooms.classrooms(teacher)] == ["12 B"]
    assert "Nobody is in this class yet" in html_of(tab)


def test_an_empty_class_shows_its_code(browser: Browser, school: School, teacher: Viewer) -> None:
    """A class without learners has no figures but its join code."""
    classroom = school.classroom(teacher)
    shown = html_of(home(browser, school, teacher))
    assert str(classroom.join_code) in shown
    assert "<dt>" not in shown
