"""A class as its teacher sees it: the service's own figures, reasons, one learner beside the list, and who may look."""

import csv
import io
from collections.abc import Callable

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.errors import NotAllowed
from backend.kit.i18n import percent
from backend.progress.models import ProgressChange
from pages.classrooms import learner_csv
from pages.classrooms.learner_text import most_urgent_first
from tests.classrooms.builders import save
from tests.pages.at_path import Browser, heading, html_of
from tests.pages.classrooms.opened import opened, view
from tests.pages.key_figures import key_figures
from tests.pages.signed_in import OpenPage
from tests.pages.sortable import SortableTable
from tests.school import School

HOSTILE = "<img src=x onerror=alert(1)> [x](http://evil.example) **b** :red[r] $x$"
COMPLETED = ProgressChange(status="Completed")


def learners(page: AppTest) -> SortableTable:
    return SortableTable(page, "class-learners")


def test_figures_are_those_of_the_service(
    backend: Backend, open_page: OpenPage, school: School, teacher: Viewer, classroom: Classroom, busy: Viewer
) -> None:
    """The key figures and the rows say what ClassroomReports says."""
    page = opened(open_page, school, teacher)
    report = backend.reports.report(teacher, classroom.id)
    average = percent(report.figures.average_completed or 0)
    assert [each.value for each in key_figures(page).values()] == ["1 of 2", average, "12", "1"]
    row = next(each for each in report.learners if each.id == busy.id)
    said = learners(page).texts(busy.id)
    assert said["Completed"] == f"{row.counts.completed}/{row.counts.chapters}" == "2/101"
    assert (said["Solved"], said["7 days"], said["Change"], said["Weak"]) == ("12", "12", "+12", "0")
    assert said["Last activity"] == "just now"


def test_flagged_learners_come_first_with_their_reasons(
    open_page: OpenPage, school: School, teacher: Viewer, quiet: Viewer, busy: Viewer
) -> None:
    """Who fell silent stands on the list of those who need attention, with each reason; who works does not."""
    page = opened(open_page, school, teacher)
    flagged = SortableTable(page, "class-flagged")
    assert flagged.ids == [quiet.id]
    why = flagged.cells(quiet.id)["Why"]
    assert why["text"] == "No activity for 20 days"
    assert why["note"] == "No question solved in the last 14 days"
    assert learners(page).ids == [quiet.id, busy.id]
    assert learners(page).texts(quiet.id)["Flag"] == "At risk"


def test_no_data_is_not_zero(
    open_page: OpenPage, school: School, teacher: Viewer, classroom: Classroom, quiet: Viewer
) -> None:
    """Who never saved anything has dashes; who solved nothing this week has 0."""
    fresh = school.student(classroom, "Fresh Farah")
    page = opened(open_page, school, teacher)
    assert learners(page).texts(fresh.id)["7 days"] == "–"
    assert learners(page).texts(quiet.id)["7 days"] == "0"


def test_a_learner_opens_beside_the_list(
    open_page: OpenPage, school: School, teacher: Viewer, quiet: Viewer, busy: Viewer
) -> None:
    """A click on a row opens that learner with reasons, weak chapters and last changes; the list stays as it was."""
    page = opened(open_page, school, teacher)
    order = learners(page).ids
    learners(page).open(quiet.id)
    shown = html_of(page)
    assert "<span>Quiet Qamar</span></h2>" in shown
    assert "No activity for 20 days" in shown
    assert "Mathematics in Physics" in shown
    assert "7 questions solved" in shown
    assert learners(page).ids == order
    assert learners(page).data["selected"] == quiet.id
    page.button(key="learner-close").click().run()
    assert "</span></h2>" not in html_of(page)


def test_the_address_keeps_class_and_learner(
    open_page: OpenPage, school: School, teacher: Viewer, classroom: Classroom, quiet: Viewer
) -> None:
    """A reload of the address shows the same class with the same learner open."""
    page = opened(open_page, school, teacher)
    learners(page).open(quiet.id)
    assert page.query_params == {"id": classroom.id, "learner": quiet.id}
    again = opened(open_page, school, teacher, id=classroom.id, learner=quiet.id)
    assert "<span>Quiet Qamar</span></h2>" in html_of(again)


def test_a_change_is_there_on_the_next_refresh(
    backend: Backend, open_page: OpenPage, school: School, teacher: Viewer, busy: Viewer
) -> None:
    """What a student saves shows on the teacher's open page, with the same learner still open."""
    page = opened(open_page, school, teacher)
    learners(page).open(busy.id)
    save(backend, busy, 3, "later", ProgressChange(questions_delta=30))
    page.run()
    assert learners(page).texts(busy.id)["7 days"] == "42"
    assert learners(page).data["selected"] == busy.id


def test_another_teachers_class_is_not_found(
    browser: Browser, school: School, admin: Viewer, classroom: Classroom, busy: Viewer
) -> None:
    """With the id of somebody else's class the page says there is none, and shows nothing of it."""
    other = school.teacher(admin, "Other Omkar")
    school.classroom(other, "11 C")
    browser.sign_in(school.user(other))
    page = browser.open("classroom", id=classroom.id)
    assert not page.exception
    assert "There is no such class." in html_of(page)
    assert not key_figures(page)
    drawn = [each.proto.id for each in page.get("bidi_component")]
    assert not [each for each in drawn if "live-gate" not in each and "cp-page-change" not in each]


def test_an_admin_opens_any_class(
    open_page: OpenPage, school: School, admin: Viewer, classroom: Classroom, busy: Viewer
) -> None:
    """An administrator sees the class of any teacher."""
    page = opened(open_page, school, admin, id=classroom.id)
    assert busy.id in learners(page).ids


def test_students_are_refused(open_page: OpenPage, school: School, busy: Viewer, classroom: Classroom) -> None:
    """The page itself refuses a student, whatever the navigation offers."""
    page = open_page("classrooms/classroom.py", school.user(busy), id=classroom.id)
    assert len(page.exception) == 1
    with pytest.raises(NotAllowed):
        school.backend.reports.report(busy, classroom.id)
    assert not key_figures(page)
    assert not page.html


def test_hostile_names_are_shown_as_typed(
    backend: Backend, open_page: OpenPage, school: School, teacher: Viewer, classroom: Classroom
) -> None:
    """Names of classes and learners are text: no tag, link or directive of theirs comes to life."""
    student = school.student(classroom, HOSTILE)
    save(backend, student, 0, "x", COMPLETED)
    backend.classrooms.rename(teacher, classroom.id, HOSTILE)
    page = opened(open_page, school, teacher, id=classroom.id)
    learners(page).open(student.id)
    page.button(key="learner-remove").click().run()
    assert learners(page).texts(student.id)["Learner"] == HOSTILE
    for shown in (html_of(page), html_of(view(page, "chapters")), html_of(view(page, "class"))):
        assert "<img" not in shown
    assert "[x](" not in " ".join(each.value for each in page.warning)


def test_weeks_have_their_table(open_page: OpenPage, school: School, teacher: Viewer, busy: Viewer) -> None:
    """Completions over twelve weeks stand in a table too; weeks before the first saved change say no data."""
    page = view(opened(open_page, school, teacher), "weeks")
    shown = html_of(page)
    assert "2 chapters completed by the whole class in the last 12 weeks." in shown
    page.session_state["twin-class-completed"] = True
    page.run()
    table = next(each.value for each in page.html if "Chapters by week" in each.value)
    assert table.count("<tr>") == 13
    assert '<td class="cp-number">2</td>' in table
    assert '<td class="cp-number">–</td>' in table
    assert len(page.get("plotly_chart")) == 2


def test_hidden_names_are_hidden_everywhere(
    backend: Backend, open_page: OpenPage, school: School, teacher: Viewer, quiet: Viewer, busy: Viewer
) -> None:
    """With names hidden neither the lists, the open learner, the matrix nor her initials name anybody."""
    page = opened(open_page, school, teacher)
    page.toggle(key="hide-names").set_value(True).run()
    learners(page).open(quiet.id)
    seen = [html_of(page), str([learners(page).data, SortableTable(page, "class-flagged").data])]
    seen.append(html_of(view(page, "chapters")))
    for words in seen:
        assert "Qamar" not in words
        assert "Bela" not in words
        assert "Learner 1" in words or "Learner 2" in words
    assert ">QQ<" not in seen[0]


def test_the_file_has_the_columns_of_the_screen(
    backend: Backend, school: School, teacher: Viewer, classroom: Classroom, quiet: Viewer
) -> None:
    """The file opens in a spreadsheet: BOM, numbers as numbers, ISO times, nothing that calculates."""
    sly = school.student(classroom, "=1+1")
    report = backend.reports.report(teacher, classroom.id)
    content = learner_csv.to_csv(report, {each.id: each.name for each in report.learners}, "Asia/Kolkata")
    assert content.startswith(b"\xef\xbb\xbf")
    rows = {row["Learner"]: row for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))}
    assert set(rows) == {"Quiet Qamar", "'=1+1"}
    silent = rows["Quiet Qamar"]
    assert (silent["Completed"], silent["Chapters"], silent["Solved"], silent["Weak"]) == ("0", "101", "7", "1")
    assert silent["Last activity"] == "2026-11-18T12:00:00+05:30"
    assert silent["Reasons"] == "No activity for 20 days; No question solved in the last 14 days"
    assert rows["'=1+1"]["Solved"] == ""
    assert sly.name == "=1+1"


def test_the_file_is_named_after_class_and_day(backend: Backend, teacher: Viewer) -> None:
    """The name holds the class and the day, and no character that a system refuses."""
    today = backend.progress.today(teacher)
    assert learner_csv.file_name("12 A / “best”?", today) == "learners-12-a-best-2026-11-18.csv"
    assert learner_csv.file_name("कक्षा १२", today).endswith("-2026-11-18.csv")


def test_without_a_class_the_page_offers_to_make_one(
    backend: Backend, open_page: OpenPage, school: School, teacher: Viewer
) -> None:
    """The first class is made on the page itself; an empty name is refused and makes none."""
    page = opened(open_page, school, teacher)
    page.button[0].click().run()
    assert "The name of the class is missing." in page.error[0].value
    assert backend.classrooms.classrooms(teacher) == ()
    page.text_input(key="create-first-name").set_value("12 B")
    page.button[0].click().run()
    assert [each.name for each in backend.classrooms.classrooms(teacher)] == ["12 B"]


def test_a_class_without_learners_shows_its_code_large(
    open_page: OpenPage, school: School, teacher: Viewer, classroom: Classroom
) -> None:
    """Where nobody is yet, the page says what to do and shows the code and the link to copy."""
    page = opened(open_page, school, teacher)
    assert "Nobody is in this class yet" in html_of(page)
    assert f'<p class="cp-code">{classroom.join_code}</p>' in html_of(page)
    assert any(each.value.endswith(f"/sign-up?code={classroom.join_code}") for each in page.code)


def test_the_projector_shows_the_code_and_no_name(
    open_page: OpenPage, school: School, teacher: Viewer, classroom: Classroom, busy: Viewer
) -> None:
    """The sheet for the projector holds the code and how many joined, but no learner's name."""
    page = opened(open_page, school, teacher, id=classroom.id, projector="1")
    assert f'<p class="cp-code">{classroom.join_code}</p>' in html_of(page)
    assert "2 learners are in the class" in html_of(page)
    assert "Bela" not in html_of(page)


def test_a_new_code_is_asked_about_first(
    backend: Backend, open_page: OpenPage, school: School, teacher: Viewer, classroom: Classroom, busy: Viewer
) -> None:
    """“New code” alone changes nothing; agreed to, the old code no longer works and nobody leaves the class."""
    page = view(opened(open_page, school, teacher), "class")
    page.button(key="code-renew").click().run()
    assert backend.classrooms.get(teacher, classroom.id).join_code == classroom.join_code
    page.button(key="renew-code-yes").click().run()
    renewed = backend.classrooms.get(teacher, classroom.id).join_code
    assert renewed != classroom.join_code
    assert f'<p class="cp-code">{renewed}</p>' in html_of(page)
    assert backend.reports.report(teacher, classroom.id).figures.learners == 2


def test_a_class_is_renamed(
    backend: Backend, open_page: OpenPage, school: School, teacher: Viewer, classroom: Classroom, busy: Viewer
) -> None:
    """A saved name stands over the page at once."""
    page = view(opened(open_page, school, teacher), "class")
    page.text_input(key=f"rename-{classroom.id}").set_value("12 A, morning")
    next(each for each in page.button if each.label == "Save name").click().run()
    assert backend.classrooms.get(teacher, classroom.id).name == "12 A, morning"
    assert heading(page) == "12 A, morning"


def test_a_learner_is_removed_after_a_question(
    backend: Backend, open_page: OpenPage, school: School, teacher: Viewer, classroom: Classroom, busy: Viewer
) -> None:
    """The first click asks; the second takes her out of the class and leaves her progress alone."""
    page = opened(open_page, school, teacher, learner=busy.id)
    page.button(key="learner-remove").click().run()
    assert busy.id in {each.id for each in backend.reports.report(teacher, classroom.id).learners}
    page.button(key="learner-remove-yes").click().run()
    assert busy.id not in {each.id for each in backend.reports.report(teacher, classroom.id).learners}
    assert backend.progress.record(busy.id).summary.total.completed == 2
    assert busy.id not in learners(page).ids


def test_the_file_is_fetched_outside_any_run(
    open_page: OpenPage, school: School, teacher: Viewer, quiet: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The download works where no session is at hand, and keeps names hidden where they were hidden on the screen."""
    kept: list[Callable[[], bytes]] = []

    def button(_label: str, content: Callable[[], bytes], *_rest: object, **_more: object) -> None:
        kept.append(content)

    monkeypatch.setattr("streamlit.download_button", button)
    page = opened(open_page, school, teacher)
    page.toggle(key="hide-names").set_value(True).run()
    shown, hidden = kept[0], kept[-1]
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _self: {}))
    assert "Quiet Qamar" in shown().decode()
    assert "Quiet Qamar" not in hidden().decode()
    assert "Learner 1" in hidden().decode()


def test_hidden_names_stand_in_an_order_of_their_own(
    backend: Backend, school: School, teacher: Viewer, classroom: Classroom
) -> None:
    """Learners of one flag stand by the name on the screen, so that the order tells nothing of the real names."""
    first, second = school.student(classroom, "Aarav"), school.student(classroom, "Zoya")
    found = backend.reports.report(teacher, classroom.id).learners
    names = {first.id: "Learner 10", second.id: "Learner 9"}
    assert [each.id for each in most_urgent_first(found, names)] == [second.id, first.id]
