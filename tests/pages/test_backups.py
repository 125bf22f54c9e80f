"""The page of backups: what there is, taking one, and a restore that wants a word."""

from pathlib import Path

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from tests.pages.at_path import html_of
from tests.pages.signed_in import OpenPage
from tests.school import School
from tests.waiting import until


def wait_for_task(backend: Backend, admin: Viewer) -> None:
    """Return once no work on backups is under way."""

    def is_over() -> bool:
        task = backend.backup_tasks.current(admin)
        return task is not None and task.state != "running"

    until(is_over, seconds=60)


def test_an_empty_page_says_what_to_do(school: School, open_page: OpenPage) -> None:
    """Before the first backup: what happens tonight, and honestly that no mail is sent and no journal kept."""
    page = open_page("backups.py", school.user(school.admin()))
    assert not page.exception
    said = html_of(page)
    assert "There is no backup yet" in said and "SMTP_URL is not set" in said and "Off: only the moments" in said


def test_one_is_taken_with_a_click(backend: Backend, school: School, open_page: OpenPage) -> None:
    """It begins, and when it has ended it stands in the table with its size."""
    admin = school.admin()
    page = open_page("backups.py", school.user(admin))
    page.button(key="backup-now").click().run()
    assert not page.exception
    wait_for_task(backend, admin)
    page.run()
    assert "documents backed up" in page.success[0].value
    assert "not tried" in str(page.get("bidi_component")[0].proto)


def test_a_restore_wants_its_preview_and_a_word(backend: Backend, school: School, open_page: OpenPage) -> None:
    """The dialog counts what would change; the button works only once the word is there."""
    admin = school.admin()
    backend.backups.take()
    school.classroom(admin, "11 B")
    page = open_page("backups.py", school.user(admin))
    page.button(key="restore-preview").click().run()
    assert "Classes" in html_of(page) and "−1" in html_of(page)
    assert page.button(key="restore-yes").disabled
    page.text_input(key="restore-word").set_value("no").run()
    page.button(key="restore-preview").click().run()
    assert backend.mongo["classrooms"].count_documents({}) == 1


def test_a_failure_is_said_with_what_to_do(backend: Backend, school: School, open_page: OpenPage) -> None:
    """The reason of the last failure stands on the page, and on the administrator's home."""
    admin = school.admin()
    backend.backups.take()
    backend.restores._queries.keep_failure("the disk is full", backend.clock.now())
    page = open_page("backups.py", school.user(admin))
    assert "the disk is full" in page.error[0].value and "back up now" in page.error[0].value
    home = open_page("home.py", school.user(admin))
    assert "Backups" in html_of(home)


def test_half_a_backup_is_none(backend: Backend, school: School, open_page: OpenPage) -> None:
    """One whose manifest cannot be read is not offered."""
    place = Path(backend.settings.backup_place)
    admin = school.admin()
    backend.backups.take()
    (next(place.glob("*/manifest.json"))).write_text("{}")
    page = open_page("backups.py", school.user(admin))
    assert not page.exception
    assert "There is no backup yet" in html_of(page)
