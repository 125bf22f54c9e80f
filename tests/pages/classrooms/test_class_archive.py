"""Archived classes on the class page: put away after a question, listed, brought back, and both undone."""

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from tests.pages.at_path import html_of
from tests.pages.signed_in import OpenPage
from tests.school import School


def names(backend: Backend, viewer: Viewer) -> list[str]:
    return [each.name for each in backend.classrooms.classrooms(viewer)]


def test_a_class_is_put_away_after_a_question(
    backend: Backend, school: School, teacher: Viewer, open_page: OpenPage
) -> None:
    """The question says what happens to the learners; after Yes the class is gone, and Undo brings it back."""
    classroom = school.classroom(teacher)
    school.student(classroom)
    page = open_page("classrooms/classroom.py", school.user(teacher), id=classroom.id)
    page.segmented_control(key="class-view").set_value("class").run()
    page.button(key="class-archive-ask").click().run()
    assert "1 learner keeps all progress" in page.text[0].value
    assert names(backend, teacher) == ["12 A"]
    page.button(key="class-archive-yes").click().run()
    assert not page.exception
    assert names(backend, teacher) == []
    assert "Archived: 12 A" in html_of(page)
    page.button(key="class-undo").click().run()
    assert names(backend, teacher) == ["12 A"] and "Brought back: 12 A" in html_of(page)
    page.button(key="class-undo").click().run()
    assert names(backend, teacher) == []


def test_nothing_happens_without_a_yes(backend: Backend, school: School, teacher: Viewer, open_page: OpenPage) -> None:
    """Cancel leaves the class where it is."""
    page = open_page("classrooms/classroom.py", school.user(teacher), id=school.classroom(teacher).id)
    page.button(key="class-archive-ask").click().run()
    page.button(key="class-archive-no").click().run()
    assert names(backend, teacher) == ["12 A"]


def test_archived_classes_are_listed_and_come_back(
    backend: Backend, school: School, teacher: Viewer, open_page: OpenPage
) -> None:
    """Beside other classes they are behind a button with their number; a click brings one back."""
    school.classroom(teacher, "12 A")
    old = school.classroom(teacher, "11 B")
    backend.classrooms.archive(teacher, old.id)
    page = open_page("classrooms/classroom.py", school.user(teacher))
    assert "1" in page.button(key="class-archived").label
    page.button(key="class-archived").click().run()
    assert "archived 18 Nov" in html_of(page)
    page.button(key=f"class-back-{old.id}").click().run()
    assert not page.exception
    assert names(backend, teacher) == ["11 B", "12 A"]


def test_who_has_only_archived_classes_sees_them(
    backend: Backend, school: School, teacher: Viewer, open_page: OpenPage
) -> None:
    """The page for the first class lists them as well."""
    old = school.classroom(teacher, "11 B")
    backend.classrooms.archive(teacher, old.id)
    page = open_page("classrooms/classroom.py", school.user(teacher))
    page.button(key=f"class-back-{old.id}").click().run()
    assert names(backend, teacher) == ["11 B"]


def test_a_link_to_an_archived_class_says_so(
    backend: Backend, school: School, admin: Viewer, teacher: Viewer, open_page: OpenPage
) -> None:
    """Its teacher and administrators are offered to bring it back; another teacher learns nothing of it."""
    old = school.classroom(teacher, "11 B")
    backend.classrooms.archive(teacher, old.id)
    stranger = open_page("classrooms/classroom.py", school.user(school.teacher(admin)), id=old.id)
    assert "There is no such class" in html_of(stranger) and "11 B" not in html_of(stranger)
    page = open_page("classrooms/classroom.py", school.user(admin), id=old.id)
    assert "11 B" in page.info[0].value
    page.button(key="class-back").click().run()
    assert not page.exception
    assert names(backend, teacher) == ["11 B"]


def test_a_second_click_finds_it_done(backend: Backend, school: School, teacher: Viewer, open_page: OpenPage) -> None:
    """What a colleague brought back meanwhile is no error."""
    old = school.classroom(teacher, "11 B")
    backend.classrooms.archive(teacher, old.id)
    page = open_page("classrooms/classroom.py", school.user(teacher))
    backend.classrooms.bring_back(teacher, old.id)
    page.button(key=f"class-back-{old.id}").click().run()
    assert not page.error and not page.exception


def test_a_long_archive_comes_in_pages(backend: Backend, school: School, admin: Viewer, open_page: OpenPage) -> None:
    """Ten at a time, with the number of all."""
    for number in range(12):
        backend.classrooms.archive(admin, school.classroom(admin, f"Class {number:02}").id)
    page = open_page("classrooms/classroom.py", school.user(admin))
    assert len([each for each in page.button if str(each.key).startswith("class-back-")]) == 10
    assert "of 12" in html_of(page)
