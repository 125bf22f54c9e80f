"""The outbox of a real school: written once, sent once, tried again later and given up in the end."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pydantic import SecretStr, ValidationError

from backend.accounts.models import Viewer
from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.jobs import Jobs
from backend.kit.clock import SetClock
from backend.kit.observability.metrics import MAILS
from backend.mails.courier import Courier
from backend.mails.models import Content, Recipient
from backend.mails.service import PAUSES
from tests.mails.post_office import PostOffice, html_of, open_post, text_of
from tests.mails.sending import URL, mailing, office
from tests.school import PASSWORD, School
from tests.waiting import until

__all__ = ["mailing", "office", "open_post"]

ASHA = Recipient(user_id="u1", address="asha@example.org", name="Asha <b>", locale="en_IN")


def write(backend: Backend, key: str = "one") -> bool:
    """Put a letter to Asha in the outbox."""
    return backend.mails.queue("digest", key, ASHA, lambda: Content("News", [f"Hello {ASHA.name}"]))


def kept(backend: Backend) -> dict[str, object]:
    """The only letter as it stands in the database."""
    (found,) = backend.mongo["outbox"].find()
    return dict(found)


def test_a_letter_goes_once(mailing: Backend, office: PostOffice) -> None:
    """The same thing is queued once and sent once; then nothing of its words is kept, and metrics count it."""
    assert write(mailing) and not write(mailing)
    assert "Hello" not in str(kept(mailing))
    assert mailing.mails.deliver().sent == 1
    assert mailing.mails.deliver().sent == 0
    assert not write(mailing)
    (letter,) = office.taken
    assert "Hello Asha <b>" in text_of(letter) and "Asha &lt;b&gt;" in html_of(letter)
    assert kept(mailing)["state"] == "sent" and "body" not in kept(mailing)
    assert mailing.metrics.read(MAILS)["digest"].count == 1
    assert mailing.mails.state().sent == 1


def test_what_is_refused_for_now_goes_later(mailing: Backend, office: PostOffice, clock: SetClock) -> None:
    """451, 451, 250: tried again after a minute, then after five, and taken once."""
    write(mailing)
    office.answers = ["451 busy", "451 still busy"]
    assert mailing.mails.deliver().postponed == 1
    assert mailing.mails.deliver().postponed == 0
    assert "busy" in str(kept(mailing)["reason"])
    clock.advance(PAUSES[0])
    assert mailing.mails.deliver().postponed == 1
    clock.advance(PAUSES[0])
    assert mailing.mails.deliver().sent == 0
    clock.advance(PAUSES[1])
    assert mailing.mails.deliver().sent == 1
    assert (office.tried, len(office.taken)) == (3, 1)


def test_in_the_end_it_is_given_up(mailing: Backend, office: PostOffice, clock: SetClock) -> None:
    """After the last pause the letter has failed, with the server's words, and what it said is gone."""
    write(mailing)
    office.answers = ["451 full"] * 20
    for pause in (*PAUSES, timedelta(days=1)):
        mailing.mails.deliver()
        clock.advance(pause)
    assert office.tried == len(PAUSES) + 1
    state = mailing.mails.state()
    assert (state.failed, state.queued, state.last_failure) == (1, 0, "451 full")
    assert "body" not in kept(mailing)


def test_a_bad_address_holds_nobody_up(mailing: Backend, office: PostOffice) -> None:
    """What is refused for good is given up at once, and the next letter goes in the same round."""
    office.answers = ["550 no such person"]
    write(mailing, "one")
    write(mailing, "two")
    found = mailing.mails.deliver()
    assert (found.sent, found.failed) == (1, 1)


def test_a_server_that_is_away_loses_nothing(
    mailing: Backend, office: PostOffice, clock: SetClock, settings: Settings
) -> None:
    """One letter is tried and waits, the others are not; all of them go when the server is back."""
    nowhere = {"smtp_url": SecretStr("smtp://127.0.0.1:1"), "mail_from": "a@b.example", "public_url": URL}
    away = build(settings.model_copy(update=nowhere), clock=clock)
    try:
        for key in ("one", "two", "three"):
            write(mailing, key)
        assert away.mails.deliver().postponed == 1
        clock.advance(PAUSES[0])
        assert mailing.mails.deliver().sent == 3
    finally:
        away.close()


def test_many_processes_send_each_letter_once(mailing: Backend, office: PostOffice) -> None:
    """Eight at once over thirty letters: thirty arrive."""
    for number in range(30):
        write(mailing, str(number))
    with ThreadPoolExecutor(8) as pool:
        rounds = list(pool.map(lambda _number: mailing.mails.deliver().sent, range(8)))
    assert sum(rounds) == len(office.taken) == 30
    assert len({each["Message-ID"] for each in office.taken}) == 30


def test_who_died_while_sending_is_followed(mailing: Backend, office: PostOffice, clock: SetClock) -> None:
    """A letter that was claimed and never settled is free again after five minutes."""
    write(mailing)
    assert mailing.mails._claimed() is not None
    assert mailing.mails.deliver().sent == 0
    clock.advance(timedelta(minutes=6))
    assert mailing.mails.deliver().sent == 1


def test_the_courier_takes_what_is_due(mailing: Backend, office: PostOffice) -> None:
    """A letter leaves by itself soon after it was written."""
    stop = threading.Event()
    thread = threading.Thread(target=Courier(mailing.mails, look_seconds=0.05).run, args=(stop,))
    thread.start()
    try:
        write(mailing)
        until(lambda: len(office.taken) == 1)
    finally:
        stop.set()
        thread.join()


def test_without_a_server_nothing_is_kept(backend: Backend) -> None:
    """Nothing is queued, nothing sent, no thread runs, and the state says so."""
    assert not write(backend)
    assert backend.mails.deliver().sent == 0
    assert not backend.mails.state().is_configured
    assert backend.mongo["outbox"].count_documents({}) == 0
    assert "mail" not in {thread.name for thread in Jobs(backend)._threads}


def test_the_old_address_is_told(mailing: Backend, office: PostOffice) -> None:
    """Who changes her address is told at the old one, which does not learn the whole new one."""
    admin = School(mailing).admin()
    mailing.accounts.change_email(admin, "somewhere.else@example.net")
    mailing.mails.deliver()
    (asking,) = office.taken
    mailing.registration.confirm(text_of(asking).partition("token=")[2].split()[0])
    mailing.mails.deliver()
    letter = office.taken[-1]
    assert letter["To"] == "admin@example.org"
    assert "so…@example.net" in text_of(letter) and "somewhere.else" not in text_of(letter)


def test_a_password_link_goes_to_its_owner(mailing: Backend, office: PostOffice) -> None:
    """The link that an administrator makes is mailed too, works, and stands nowhere in the clear."""
    school = School(mailing)
    made = mailing.administration.create(school.admin(), name="Tara", email="tara@example.org", role="teacher")
    assert made.is_mailed
    assert made.token not in str(list(mailing.mongo["outbox"].find()))
    mailing.mails.deliver()
    (letter,) = office.taken
    assert letter["To"] == "tara@example.org"
    assert f"{URL}/reset-password?token={made.token}" in text_of(letter)
    mailing.accounts.reset_password(made.token, PASSWORD)


def test_the_demo_school_is_never_written_to(mailing: Backend) -> None:
    """Its addresses belong to nobody here."""
    made = mailing.administration.create(
        School(mailing).admin(), name="T", email="teacher9@demo.school", role="teacher", is_demo=True
    )
    assert not made.is_mailed


def test_a_deleted_person_leaves_no_letter(
    mailing: Backend, clock: SetClock, office: PostOffice, student_of: Callable[[Backend], Viewer]
) -> None:
    """What was queued or sent to somebody goes with her."""
    learner = student_of(mailing)
    mailing.mails.queue(
        "digest",
        "x",
        Recipient(user_id=learner.id, address=learner.email, name=learner.name, locale="en_IN"),
        lambda: Content("News", ["Hello"]),
    )
    mailing.rights.request(learner)
    for _month in range(2):
        clock.advance(timedelta(days=60))
        mailing.rights.fulfil_due()
    assert mailing.mongo["outbox"].count_documents({"userId": learner.id}) == 0


@pytest.fixture
def student_of() -> Callable[[Backend], Viewer]:
    """A student of any backend."""

    def made(backend: Backend) -> Viewer:
        school = School(backend)
        return school.student(school.classroom(school.teacher(school.admin())))

    return made


@pytest.mark.parametrize(
    "wrong",
    [
        {"smtp_url": "mail.example"},
        {"smtp_url": "smtp://mail.example", "mail_from": ""},
        {"smtp_url": "smtp://mail.example", "mail_from": "A <a@b.example>\nBcc: c@d.example"},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, str]) -> None:
    """At the start, naming the variable."""
    with pytest.raises(ValidationError, match=r"smtp_url|mail_from"):
        Settings(**wrong)  # type: ignore[arg-type]  # as the environment gives them
