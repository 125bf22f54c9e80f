"""The audit page: the entries in words, the filters, one opened, and what tampering looks like."""

from typing import get_args

from backend.accounts.models import Viewer
from backend.audit.models import Act
from backend.bootstrap import Backend
from pages.audit import text as words
from tests.pages.at_path import html_of
from tests.pages.signed_in import OpenPage
from tests.school import School


def test_it_shows_who_did_what_to_whom(backend: Backend, school: School, open_page: OpenPage) -> None:
    """An administrator sees the acts in words with the names of the people."""
    admin = school.admin()
    teacher = school.teacher(admin)
    backend.administration.set_role(admin, teacher.id, "admin")
    page = open_page("audit/audit.py", school.user(admin))
    assert not page.exception
    table = page.get("bidi_component")[0].proto
    for word in ("Role changed", "Asha Admin", "Tara Teacher", "Person added"):
        assert word in str(table)
    assert "as they were written" in page.caption[0].value


def test_the_act_narrows_it_down(backend: Backend, school: School, open_page: OpenPage) -> None:
    """After an act was chosen only entries of it stand there, and nothing found says what to do."""
    admin = school.admin()
    school.teacher(admin)
    page = open_page("audit/audit.py", school.user(admin))
    page.selectbox(key="audit-act").set_value("user.created").run()
    assert "Chapters imported" not in str(page.get("bidi_component")[0].proto)
    page.selectbox(key="audit-act").set_value("backup.restored").run()
    assert "Try another person" in html_of(page)


def test_tampering_is_said(backend: Backend, school: School, open_page: OpenPage) -> None:
    """An entry changed in the database is told at the top of the page and on the health page."""
    admin = school.admin()
    school.teacher(admin)
    backend.mongo["audit"].update_one({"act": "user.created"}, {"$set": {"actorId": "somebody else"}})
    page = open_page("audit/audit.py", school.user(admin))
    assert "changed in the database" in page.error[0].value
    assert {each.name: each.state for each in backend.operations.health(admin).checks}["audit"] == "error"


def test_others_do_not_open_it(school: School, open_page: OpenPage, student: Viewer) -> None:
    """A student who types the address sees nothing of it."""
    page = open_page("audit/audit.py", school.user(student))
    assert page.exception or page.warning
    assert not page.get("bidi_component")


def test_the_file_calculates_nothing(backend: Backend, school: School) -> None:
    """A fact that a spreadsheet would calculate has an apostrophe before it; the file says who took it."""
    admin = school.admin()
    backend.classrooms.create(admin, "=1+1")
    backend.trail.record(admin, "settings.changed", "settings", "=2+2", after={"=3": "x"})
    text = words.to_csv(backend.audit.export(admin), "Asia/Kolkata").decode("utf-8-sig")
    rows = text.split("\r\n")
    assert "audit.exported" in rows[1]
    assert "'=2+2,,'=3=x" in rows[2]
    assert "name==1+1" in text


def test_every_act_has_its_words() -> None:
    """No act is shown by its technical name."""
    assert set(words.act_words()) == set(get_args(Act))
