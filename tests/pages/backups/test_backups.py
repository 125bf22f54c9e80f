"""The page of backups: what there is, taking one, and a restore that wants a word."""

from datetime import timedelta
from pathlib import Path

from streamlit.testing.v1 import AppTest

from backend.accounts.models import Viewer
from backend.backups.models import Reach
from backend.bootstrap import Backend
from backend.kit.clock import SetClock
from backend.kit.schedule.runs import Run
from backend.progress.models import ProgressChange
from pages.backups import restore
from tests.backups.tasks import ended
from tests.classrooms.builders import save
from tests.pages.at_path import html_of
from tests.pages.signed_in import OpenPage
from tests.school import NOON, PASSWORD, School


def test_an_empty_page_says_what_to_do(school: School, open_page: OpenPage) -> None:
    """Before the first backup: what happens tonight, and honestly that no mail is sent and no journal kept."""
    page = open_page("backups/backups.py", school.user(school.admin()))
    assert not page.exception
    said = html_of(page)
    assert "There is no backup yet" in said and "SMTP_URL is not set" in said and "Off: only the times" in said


def test_one_is_taken_with_a_click(backend: Backend, school: School, open_page: OpenPage) -> None:
    """It begins, and when it has ended it stands in the table with its size."""
    admin = school.admin()
    page = open_page("backups/backups.py", school.user(admin))
    page.button(key="backup-now").click().run()
    assert not page.exception
    ended(backend, admin)
    page.run()
    assert "documents backed up" in page.success[0].value
    assert "not tested" in str(page.get("bidi_component")[0].proto)


def test_a_restore_wants_its_preview_and_a_word(backend: Backend, school: School, open_page: OpenPage) -> None:
    """The dialog counts what would change; the button works only once the word is there."""
    admin = school.admin()
    backend.backups.take()
    school.classroom(admin, "11 B")
    page = open_page("backups/backups.py", school.user(admin))
    page.button(key="restore-preview").click().run()
    assert "Classes" in html_of(page) and "−1" in html_of(page)
    assert page.button(key="restore-yes").disabled
    page.text_input(key="restore-word").set_value("no").run()
    page.button(key="restore-preview").click().run()
    assert backend.mongo["classrooms"].count_documents({}) == 1


def test_a_failure_is_said_with_what_to_do(
    backend: Backend, school: School, student: Viewer, admin: Viewer, open_page: OpenPage
) -> None:
    """The reason of the last failure stands on the page, and on the administrator's home."""
    save(backend, student, 0, "work", ProgressChange(questions_delta=1))  # a new school's home begins with its steps
    backend.backups.take()
    backend.restores._queries.keep_failure("the disk is full", backend.clock.now())
    page = open_page("backups/backups.py", school.user(admin))
    assert "the disk is full" in page.error[0].value and "back up now" in page.error[0].value
    home = open_page("home.py", school.user(admin))
    assert "Backups" in html_of(home)


def test_half_a_backup_is_none(backend: Backend, school: School, open_page: OpenPage) -> None:
    """One whose manifest cannot be read is not offered."""
    place = Path(backend.settings.backup_place)
    admin = school.admin()
    backend.backups.take()
    (next(place.glob("*/manifest.json"))).write_text("{}")
    page = open_page("backups/backups.py", school.user(admin))
    assert not page.exception
    assert "There is no backup yet" in html_of(page)


def test_a_link_that_led_nowhere_says_why(school: School, open_page: OpenPage) -> None:
    """The browser that opened it is sent here: why, and what to do; it can be put away."""
    page = open_page("backups/backups.py", school.user(school.admin()), refused="link_expired")
    assert "make a new one" in page.error[0].value
    page.button(key="refused-seen").click().run()
    assert not page.error


def test_an_opened_backup_can_be_taken_away(backend: Backend, school: School, open_page: OpenPage) -> None:
    """Its dialog has the button; it makes a link to the file, and says who could read that."""
    admin = school.admin()
    taken = backend.backups.take()
    page = open_page("backups/backups.py", school.user(admin))
    script = AppTest.from_function(draw_download, kwargs={"backup_id": taken.id}, default_timeout=60)
    script.run()
    script.button(key="download").click().run()
    assert not script.exception and not page.exception
    assert f"/api/v1/admin/backups/{taken.id}/file?ticket=" in html_of(script)
    assert "not sealed" in script.caption[0].value


def test_an_old_sign_in_is_asked_for_the_password(
    backend: Backend, school: School, open_page: OpenPage, clock: SetClock
) -> None:
    """No link before it was given; a wrong one makes none either."""
    admin = school.admin()
    taken = backend.backups.take()
    open_page("backups/backups.py", school.user(admin))
    clock.advance(timedelta(minutes=6))
    script = AppTest.from_function(draw_download, kwargs={"backup_id": taken.id}, default_timeout=60)
    script.run()
    script.button(key="download").click().run()
    assert "file?ticket=" not in html_of(script)
    script.text_input(key="download-proof-password").set_value("wrong")
    script.button[-1].click().run()
    assert script.error and "file?ticket=" not in html_of(script)
    script.text_input(key="download-proof-password").set_value(PASSWORD)
    script.button[-1].click().run()
    assert "file?ticket=" in html_of(script)


def draw_download(backup_id: str) -> None:
    """What stands in the dialog of a backup; AppTest runs no part of a page alone."""
    import streamlit as st  # noqa: PLC0415 - this function is a script of its own

    from pages.backups import download  # noqa: PLC0415 - as above
    from pages.shell import services, session  # noqa: PLC0415 - as above

    viewer = session.viewer("admin")
    (kept,) = (each for each in services.backend().backups.report(viewer).backups if each.backup.id == backup_id)
    download.draw_download(kept.backup, viewer, wanted=st.button("Download", key="download"))


def test_a_time_out_of_reach_is_refused_in_the_readers_time() -> None:
    """Before the journal begins and after it ends nothing can be had back; the bounds are said."""
    reach = Reach(since=NOON, until=NOON + timedelta(hours=1))
    assert restore.outside(NOON + timedelta(minutes=1), reach, "Asia/Kolkata") == ""
    assert restore.outside(NOON + timedelta(hours=1), reach, "Asia/Kolkata") == ""
    for at in (NOON, NOON + timedelta(hours=2)):
        said = restore.outside(at, reach, "Asia/Kolkata")
        assert "cannot be restored" in said and "12:00:00" in said and "1:00:00" in said
    assert "Choose a day" in restore.outside(None, reach, "Asia/Kolkata")


def test_the_nights_backup_ends_with_a_word(backend: Backend, school: School, open_page: OpenPage) -> None:
    """What a job did is said like what somebody asked for, and not with an empty sentence."""
    admin = school.admin()
    run = backend.runs.claim("backup", backend.runs.now(), "slot", "a worker", 60, lane="backups")
    assert isinstance(run, Run)
    backend.runs.finish(run, "done", "0 documents", [])
    page = open_page("backups/backups.py", school.user(admin))
    assert page.success[0].value.endswith("Done")
