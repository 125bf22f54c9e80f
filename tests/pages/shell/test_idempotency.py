"""Forms that are sent twice: by a double click, or again after an answer that was lost. Each writes once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pymongo.client_session import ClientSession
from streamlit.testing.v1 import AppTest

from backend.accounts.models import ProfileChange, Viewer
from backend.bootstrap import Backend
from backend.chapters.models import ChapterDraft
from backend.errors import Conflict, NotAllowed, NotFound, Unavailable
from backend.kit.mongo import once_per_key
from pages.shell import idempotency
from pages.shell.idempotency import SentForm
from tests.pages.at_path import Browser, heading
from tests.school import PASSWORD, School

NEW_PASSWORD = "another horse battery"
DRAFT = ChapterDraft(subject="Physics", class_="Class 12", unit="Light", chapter="Rainbows")


@contextmanager
def answers_lost(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is committed inside is committed, and nobody hears of it: the link breaks between server and app."""
    real = backend.mongo.transaction

    def deaf(work: Callable[[ClientSession], Any]) -> Any:
        result = real(work)
        if once_per_key.next_mark():  # what only tells of an act has its answer
            raise Unavailable("the link broke", code="unconfirmed")
        return result

    with monkeypatch.context() as patch:
        patch.setattr(backend.mongo, "transaction", deaf)
        yield


def entries(backend: Backend, act: str) -> int:
    """How often the audit trail says that it was done."""
    return backend.mongo["audit"].count_documents({"act": act})


@pytest.mark.parametrize("is_lost", [False, True])
def test_an_act_is_done_once(backend: Backend, admin: Viewer, monkeypatch: pytest.MonkeyPatch, is_lost: bool) -> None:
    """Whatever is sent twice, the class is made once, and both sendings are told of the same one."""
    sent = SentForm("12 A")

    def send() -> str:
        return sent.carry_out(
            backend,
            lambda: backend.classrooms.create(admin, "12 A").id,
            lambda: backend.classrooms.classrooms(admin)[0].id,
        )

    if is_lost:
        with answers_lost(backend, monkeypatch), pytest.raises(Unavailable, match="saved only once"):
            send()
    assert [send(), send()] == [each.id for each in backend.classrooms.classrooms(admin)] * 2
    assert entries(backend, "classroom.created") == 1


def test_two_processes_with_one_key_do_it_once(backend: Backend, admin: Viewer) -> None:
    """The mark is in the database: somebody else with the same key is told that it is done, and writes nothing."""
    with once_per_key.acting("the key"):
        backend.classrooms.create(admin, "12 A")
    with once_per_key.acting("the key"), pytest.raises(once_per_key.DoneAlready):
        backend.classrooms.create(admin, "12 A")
    with once_per_key.acting("another"):
        backend.classrooms.create(admin, "12 A")
    assert len(backend.classrooms.classrooms(admin)) == 2
    assert backend.mongo.has_done("the key")
    assert not backend.mongo.has_done("none")


def test_what_was_refused_leaves_no_mark(backend: Backend, admin: Viewer) -> None:
    """A transaction that ended in a refusal did nothing: its key is free, and the next one within it has a mark."""
    draft = {"name": "Tara", "email": "tara@example.org", "role": "teacher"}
    with once_per_key.acting("the key"), pytest.raises(Conflict):
        backend.administration.create(admin, **{**draft, "email": "admin@example.org"})  # type: ignore[arg-type]  # short
    assert not backend.mongo.has_done("the key")
    with once_per_key.acting("the key"):
        backend.administration.create(admin, **draft)  # type: ignore[arg-type]  # as above
    assert backend.mongo.has_done("the key")


def test_marks_end(backend: Backend, admin: Viewer) -> None:
    """They stand in the collection whose documents end by their time."""
    with once_per_key.acting("the key"):
        backend.classrooms.create(admin, "12 A")
    (found,) = backend.mongo["replays"].find()
    assert found["expiresAt"] > found["expiresAt"].now(found["expiresAt"].tzinfo)
    assert set(found) == {"_id", "isDone", "expiresAt"}


Kind = Callable[[Backend, Viewer, Viewer], tuple[Callable[[], object], str]]


def _chapter(backend: Backend, admin: Viewer, _student: Viewer) -> tuple[Callable[[], object], str]:
    return lambda: backend.chapters.create(admin, DRAFT), "chapter.created"


def _edit(backend: Backend, admin: Viewer, _student: Viewer) -> tuple[Callable[[], object], str]:
    chapter = backend.chapters.active()[0]
    return lambda: backend.chapters.edit(admin, chapter.id, DRAFT, version=chapter.version), "chapter.updated"


def _archive(backend: Backend, admin: Viewer, _student: Viewer) -> tuple[Callable[[], object], str]:
    chapter = backend.chapters.active()[0]
    return lambda: backend.chapters.archive(admin, chapter.id), "chapter.archived"


def _bring_back(backend: Backend, admin: Viewer, _student: Viewer) -> tuple[Callable[[], object], str]:
    chapter = backend.chapters.archive(admin, backend.chapters.active()[0].id)
    return lambda: backend.chapters.bring_back(admin, chapter.id), "chapter.brought_back"


def _person(backend: Backend, admin: Viewer, _student: Viewer) -> tuple[Callable[[], object], str]:
    fields: dict[str, Any] = {"name": "Tara", "email": "tara@example.org", "role": "teacher"}
    return lambda: backend.administration.create(admin, **fields), "user.created"


def _role(backend: Backend, admin: Viewer, student: Viewer) -> tuple[Callable[[], object], str]:
    return lambda: backend.administration.set_role(admin, student.id, "teacher"), "user.role_changed"


def _out(backend: Backend, admin: Viewer, student: Viewer) -> tuple[Callable[[], object], str]:
    return lambda: backend.administration.set_active(admin, student.id, active=False), "user.deactivated"


def _join_code(backend: Backend, admin: Viewer, student: Viewer) -> tuple[Callable[[], object], str]:
    (classroom_id,) = student.classroom_ids
    return lambda: backend.classrooms.renew_code(admin, classroom_id), "classroom.code_renewed"


def _deletion(backend: Backend, _admin: Viewer, student: Viewer) -> tuple[Callable[[], object], str]:
    return lambda: backend.rights.request(student), "deletion.requested"


def _deletion_for(backend: Backend, admin: Viewer, student: Viewer) -> tuple[Callable[[], object], str]:
    return lambda: backend.rights.request_for(admin, student.id), "deletion.requested"


def _change_of_mind(backend: Backend, _admin: Viewer, student: Viewer) -> tuple[Callable[[], object], str]:
    backend.rights.request(student)
    return lambda: backend.rights.cancel(student), "deletion.cancelled"


def _password(backend: Backend, _admin: Viewer, student: Viewer) -> tuple[Callable[[], object], str]:
    return lambda: backend.accounts.change_password(student, PASSWORD, NEW_PASSWORD), "password.changed"


def _address(backend: Backend, _admin: Viewer, student: Viewer) -> tuple[Callable[[], object], str]:
    backend.accounts.reauthenticate(student, PASSWORD)
    return lambda: backend.accounts.change_email(student, "new@example.org"), "email.changed"


KINDS: tuple[Kind, ...] = (
    *(_chapter, _edit, _archive, _bring_back, _person, _role, _out),
    *(_join_code, _deletion, _deletion_for, _change_of_mind, _password, _address),
)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_write_is_done_once(
    backend: Backend, admin: Viewer, student: Viewer, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    """Sent again after a lost answer, it is not done again, nor refused because it was done: it is found done."""
    work, act = kind(backend, admin, student)
    before = entries(backend, act)
    sent, found = SentForm("filled"), list[int]()
    with answers_lost(backend, monkeypatch), pytest.raises(Unavailable):
        sent.carry_out(backend, work, list)
    sent.carry_out(backend, work, lambda: found.append(1))
    assert found == [1]
    assert entries(backend, act) == before + 1


def test_without_the_key_a_second_sending_is_refused(backend: Backend, admin: Viewer, student: Viewer) -> None:
    """What the key is for: several of these acts, sent again, would be refused: that is taken, or this may not be."""
    for kind, error in (
        (_chapter, Conflict),
        (_person, Conflict),
        (_password, NotAllowed),
        (_change_of_mind, NotFound),
    ):
        work, _act = kind(backend, admin, student)
        work()
        with pytest.raises(error):
            work()


SIGN_UP = "FormSubmitter:sign_up-Create account"
FIRST = "FormSubmitter:administrator-Create and sign in"
RESET = "FormSubmitter:reset_password-Set password and sign in"


def _typed(tab: AppTest) -> AppTest:
    for key, value in (("name", "Sita"), ("email", "sita@example.org"), ("password", PASSWORD)):
        tab.text_input(key).set_value(value)
    return tab


def _sent_twice(tab: AppTest, button: str, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """One click of which the answer is lost, and another one after it."""
    with answers_lost(backend, monkeypatch):
        tab.button(button).click().run()
    assert "saved only once" in tab.error[0].value
    tab.button(button).click().run()
    assert not tab.error


def test_a_student_signs_up_once(
    browser: Browser, backend: Backend, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a lost answer the form keeps what she typed; sent again it does not say that her address is taken."""
    classroom = school.classroom(school.teacher(school.admin()))
    tab = _typed(browser.open("sign-up", code=str(classroom.join_code)))
    _sent_twice(tab, SIGN_UP, backend, monkeypatch)
    assert browser.settle() == "/"
    assert heading(browser.open()).startswith("Hello, Sita")
    assert backend.mongo["users"].count_documents({"emailKey": "sita@example.org"}) == 1


def test_the_first_administrator_is_made_once(
    browser: Browser, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a lost answer the page knows that the school has somebody, and the account opens by the sign-in form."""
    tab = _typed(browser.open())
    with answers_lost(backend, monkeypatch):
        tab.button(FIRST).click().run()
    assert "saved only once" in tab.error[0].value
    assert heading(browser.open()) == "Sign in"
    assert backend.sign_in.authenticate("sita@example.org", PASSWORD).role == "admin"


def test_a_one_time_link_works_once_and_its_sender_hears_of_it(
    browser: Browser, backend: Backend, admin: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a lost answer the link is spent; the same form sent again signs her in, and nobody else is offered it."""
    link = backend.administration.create(admin, name="Tara", email="tara@example.org", role="teacher")
    tab = browser.open("reset-password", token=link.token)
    tab.text_input("password").set_value(PASSWORD)
    _sent_twice(tab, RESET, backend, monkeypatch)
    assert browser.settle() == "/"
    assert heading(browser.open()).startswith("Hello")
    assert entries(backend, "password.reset") == 1
    browser.cookies.pop("session")
    assert not browser.open("reset-password", token=link.token).text_input


def test_a_double_click_makes_one_class(
    browser: Browser, backend: Backend, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second click ends the run of the first one, after it wrote: both lead to the same class."""
    teacher = school.teacher(school.admin())
    browser.sign_in(school.user(teacher))
    tab = browser.open()
    tab.text_input("create-home-name").set_value("12 A")

    def twice(*filled: Any, **how: Any) -> Any:
        idempotency.once(*filled, **how)
        return idempotency.once(*filled, **how)

    monkeypatch.setattr("pages.classrooms.forms.once", twice)
    tab.button("FormSubmitter:create-home-Create class").click().run()
    assert [each.name for each in backend.classrooms.classrooms(teacher)] == ["12 A"]


def test_the_key_of_a_form_outlives_its_session(browser: Browser, backend: Backend, school: School) -> None:
    """Sent again from a page that was loaded anew, a form with the same key finds what was made."""
    code = backend.classrooms.create(school.admin(), "12 A").join_code
    refused = []
    for key in ("a" * 32, "a" * 32, "b" * 32):
        tab = _typed(browser.open("sign-up", code=str(code)))
        tab.text_input("cp-once-sign-up").set_value(key)
        tab.button(SIGN_UP).click().run()
        refused.append(bool(tab.error))
    assert refused == [False, False, True]


def test_what_only_sets_needs_no_key(backend: Backend, student: Viewer) -> None:
    """A name, a language, a choice: written twice they stand as written once."""
    change = ProfileChange(name="Sita B")
    assert backend.accounts.update_profile(student, change) == backend.accounts.update_profile(student, change)


def test_the_same_filled_anew_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever fills in the same some time later means it; other content is another act at once."""
    sent = SentForm("12 A")
    assert sent.is_same("12 A")
    assert not sent.is_same("12 B")
    sent.done_at = 0.0
    monkeypatch.setattr("pages.shell.idempotency.monotonic", lambda: idempotency.SAME_SECONDS - 1)
    assert sent.is_same("12 A")
    monkeypatch.setattr("pages.shell.idempotency.monotonic", lambda: idempotency.SAME_SECONDS + 1)
    assert not sent.is_same("12 A")
