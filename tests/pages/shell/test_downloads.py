"""Files that pages give out: for whoever is signed in when they are fetched, and not without end."""

import ast
import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackendOperationRequest
from streamlit.runtime import app_session
from streamlit.runtime.context import ContextProxy
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.errors import NotSignedIn, RateLimited, Unavailable
from backend.limits.models import OWN
from pages.shell import downloads, session
from tests.pages.signed_in import OpenPage
from tests.school import School

PAGES = Path(__file__).resolve().parents[3] / "pages"
MADE_IN_THE_RUN = {"second_factor.py"}  # the recovery codes, which stand on the page and nowhere else


def name_of(reader: Viewer) -> bytes:
    return reader.name.encode()


def test_a_session_that_is_over_gives_no_file(open_page: OpenPage, school: School, backend: Backend) -> None:
    """The page stands open with its button; once the session was ended elsewhere, the button gives nothing."""
    admin = school.admin()
    open_page("audit/audit.py", school.user(admin))
    content = downloads.fetched(name_of)
    assert content() == admin.name.encode()
    backend.administration.end_sessions(admin, admin.id)
    with pytest.raises(NotSignedIn):
        content()


def test_who_is_asked_for_is_as_she_is_by_then(open_page: OpenPage, school: School, backend: Backend) -> None:
    """A role that was taken away meanwhile is gone for files too: the page's own reader is not used."""
    admin = school.admin()
    teacher = school.teacher(admin)
    open_page("classrooms/classroom.py", school.user(teacher))
    content = downloads.fetched(lambda reader: reader.role.encode())
    assert content() == b"teacher"
    backend.administration.set_role(admin, teacher.id, "student")
    assert content() == b"student"


def test_files_are_counted(open_page: OpenPage, school: School) -> None:
    """Sixty files an hour for one person; then she is told when to go on, and others are not held up."""
    quota = OWN["page export"][0].quota
    admin = school.admin()
    teacher = school.teacher(admin)
    open_page("chapters/manage_chapters.py", school.user(teacher))
    content = downloads.fetched(name_of)
    for _file in range(quota):
        content()
    with pytest.raises(RateLimited, match="You can continue in"):
        content()
    open_page("audit/audit.py", school.user(admin))
    assert downloads.fetched(name_of)() == admin.name.encode()


def test_a_guest_gets_no_file(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a session there is nobody to make a file for."""
    open_page("accounts/sign_in.py")
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _self: {session.BROWSER_COOKIE: "x"}))
    with pytest.raises(NotSignedIn):
        downloads.fetched(name_of)()


def answered(content: Callable[[], bytes]) -> str:
    """What the browser is told when it asks Streamlit for the file of a button; "" where it is given one."""
    files = MediaFileManager(MemoryMediaFileStorage("/media"))
    request = BackendOperationRequest(request_id="1")
    request.deferred_file.file_id = files.add_deferred(content, "text/plain", "0", "a.txt")
    handler = app_session.DeferredFileHandler(lambda: files)  # type: ignore[attr-defined]  # Streamlit names it there
    return str(asyncio.run(handler.handle(request, "none")).error_msg)


def test_a_refusal_is_said_in_our_words(open_page: OpenPage, school: School, backend: Backend) -> None:
    """Rights that are gone are said beside the button in the page's sentence, not in Streamlit's own."""
    downloads.speak()
    admin = school.admin()
    open_page("audit/audit.py", school.user(admin))
    content = downloads.fetched(name_of)
    assert answered(content) == ""
    backend.administration.end_sessions(admin, admin.id)
    assert answered(content) == "You are signed out. Please sign in again."


def test_a_failure_that_nobody_foresaw_is_an_apology(open_page: OpenPage, school: School) -> None:
    """No word of what went wrong within reaches the browser, only the word by which it is found in the log."""
    downloads.speak()
    open_page("audit/audit.py", school.user(school.admin()))

    def broken(_reader: Viewer) -> bytes:
        raise KeyError("secret")

    said = answered(downloads.fetched(broken))
    assert "we have noted it" in said and "secret" not in said
    with pytest.raises(Unavailable):
        downloads.fetched(broken)()


def test_a_page_that_grew_old_asks_for_another_click(own_main_module: None) -> None:
    """A button whose maker is gone (the process was exchanged) says what to do."""
    downloads.speak()
    request = BackendOperationRequest(request_id="1")
    request.deferred_file.file_id = "of another process"
    files = MediaFileManager(MemoryMediaFileStorage("/media"))
    handler = app_session.DeferredFileHandler(lambda: files)  # type: ignore[attr-defined]  # as above
    assert "click once more" in asyncio.run(handler.handle(request, "none")).error_msg


def test_a_refusal_stays_until_it_was_read(open_page: OpenPage, school: School) -> None:
    """With the next run the sentence stands on the page, once."""
    page = open_page("audit/audit.py", school.user(school.admin()))
    page.session_state[downloads.REFUSED] = ["You can continue in 20 minutes."]
    page.run()
    assert [each.value for each in page.toast] == ["You can continue in 20 minutes."]
    page.run()
    assert not page.toast


def test_every_file_of_a_page_goes_this_way() -> None:
    """No download button is given its content in another way."""
    found = []
    for file in sorted(PAGES.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "st.download_button":
                found.append((file.name, ast.unparse(node.args[1]).startswith("downloads.fetched(")))
    assert len(found) > 4
    assert {name for name, is_guarded in found if not is_guarded} == MADE_IN_THE_RUN
