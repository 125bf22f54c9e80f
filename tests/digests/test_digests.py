"""The weekly letter: who gets it, what it says and does not say, and how it is given up."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from starlette.testclient import TestClient

from backend.accounts.models import ProfileChange, Viewer
from backend.api import create_api
from backend.bootstrap import Backend
from backend.digests.service import PATH
from backend.jobs import table
from backend.kit.clock import SetClock
from backend.progress.models import ProgressChange
from tests.mails.post_office import PostOffice, html_of, open_post, text_of
from tests.mails.sending import URL, mailing, office
from tests.school import School

__all__ = ["mailing", "office", "open_post"]


class People:
    """A teacher with a class, and two students of it, of whom one has long done nothing."""

    def __init__(self, backend: Backend, clock: SetClock) -> None:
        self.backend, school = backend, School(backend)
        admin = school.admin()
        self.teacher = school.teacher(admin)
        classroom = school.classroom(self.teacher, "12 <A>")
        self.busy = school.student(classroom, "Asha Kulkarni")
        self.quiet = school.student(classroom, "Ravi Quiet")
        self.solve(self.quiet, 3)
        clock.advance(timedelta(days=20))
        self.solve(self.busy, 12)
        backend.mongo["outbox"].delete_many({})

    def solve(self, learner: Viewer, count: int) -> None:
        chapter = self.backend.chapters.active()[0]
        change = ProgressChange(questions_delta=count)
        self.backend.progress.change(learner, chapter.id, change, key=f"{learner.id}{count}")

    def want(self, *viewers: Viewer) -> None:
        for viewer in viewers:
            self.backend.accounts.update_profile(viewer, ProfileChange(weekly_mail=True))


@pytest.fixture
def people(mailing: Backend, clock: SetClock) -> People:
    return People(mailing, clock)


def letters(backend: Backend, office: PostOffice) -> dict[str, EmailMessage]:
    """What goes out, by address."""
    backend.mails.deliver()
    return {str(each["To"]): each for each in office.taken}


def test_nobody_gets_it_unasked(mailing: Backend, people: People) -> None:
    """Until somebody switches it on there is no letter."""
    assert mailing.digests.write().letters == 0


def test_a_teacher_reads_of_her_classes(mailing: Backend, people: People, office: PostOffice) -> None:
    """Figures of each class and who may need a word: by first name and initial, without reasons."""
    people.want(people.teacher)
    assert mailing.digests.write().letters == 1
    text = text_of(letters(mailing, office)[people.teacher.email])
    assert "12 <A>" in text and "1 of 2 students were active" in text and "12 questions solved" in text
    assert "Worth talking to: Ravi Q." in text
    assert "Quiet" not in text and "No activity" not in text and "Asha" not in text


def test_a_student_reads_of_her_own_week(mailing: Backend, people: People, office: PostOffice) -> None:
    """Her work, and chapters to go on with; nothing of others, no rank, nothing to lose."""
    people.want(people.busy, people.quiet)
    assert mailing.digests.write().letters == 2
    sent = letters(mailing, office)
    busy, quiet = text_of(sent[people.busy.email]), text_of(sent[people.quiet.email])
    assert "12 questions in the last seven days. Well done!" in busy and "good chapters" in busy
    assert "quiet week, and that is fine" in quiet
    for word in ("Ravi", "rank", "lose", "behind", "late"):
        assert word not in busy.replace("related", "")


def test_once_a_week(mailing: Backend, people: People, clock: SetClock) -> None:
    """A second run of the same week writes nothing; the next week one more."""
    people.want(people.teacher)
    assert [mailing.digests.write().letters for _run in range(2)] == [1, 0]
    clock.advance(timedelta(days=7))
    assert mailing.digests.write().letters == 1


def test_a_late_week_takes_no_letter_from_the_next(mailing: Backend, people: People, clock: SetClock) -> None:
    """Weeks are the school's: for who lives far to the west, a late run and the next in time are of two weeks too."""
    people.want(people.teacher)
    mailing.accounts.update_profile(people.teacher, ProfileChange(time_zone="America/Los_Angeles"))
    clock.set(datetime(2026, 12, 14, 11, 30, tzinfo=UTC))  # Monday, five in the afternoon in Kolkata
    assert mailing.digests.write().letters == 1
    clock.set(datetime(2026, 12, 21, 1, 30, tzinfo=UTC))  # Monday at seven there, Sunday still in Los Angeles
    assert mailing.digests.write().letters == 1


def test_hostile_names_stay_names(mailing: Backend, people: People, office: PostOffice) -> None:
    """A name that looks like markup or like a header is text in the letter, and no header comes of it."""
    hostile = "Eve\r\nBcc: all@example.org <img src=x> =1+1"
    mailing.accounts.update_profile(people.teacher, ProfileChange(name=hostile))
    people.want(people.teacher)
    mailing.digests.write()
    letter = letters(mailing, office)[people.teacher.email]
    assert letter["Bcc"] is None and letter.get_all("To") == [people.teacher.email]
    assert "Hello Eve Bcc: all@example.org <img src=x> =1+1," in text_of(letter)
    assert "<img" not in html_of(letter) and "<A>" not in html_of(letter)


def test_who_has_long_been_away_is_left_alone(mailing: Backend, people: People, clock: SetClock) -> None:
    """After four weeks no letter calls a student back."""
    people.want(people.quiet)
    clock.advance(timedelta(days=9))
    found = mailing.digests.write()
    assert (found.letters, found.left_alone) == (0, 1)


def test_the_letter_is_given_up_without_signing_in(mailing: Backend, people: People, office: PostOffice) -> None:
    """Opening the address asks and changes nothing; sending the form, as a mail program's button does, ends it."""
    people.want(people.busy)
    mailing.digests.write()
    letter = letters(mailing, office)[people.busy.email]
    address = str(letter["List-Unsubscribe"]).strip("<>").replace("\n", "").replace(" ", "")
    assert address in text_of(letter)
    assert address.startswith(f"{URL}{PATH}?token=") and letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    door, path = TestClient(create_api(mailing)), address.removeprefix(f"{URL}/api/v1")

    asked = door.get(path)
    assert asked.headers["referrer-policy"] == "same-origin"  # else a browser's form would come from nowhere
    assert asked.status_code == 200 and "<form" in asked.text and people.busy.name not in asked.text
    assert School(mailing).user(people.busy).weekly_mail
    done = door.post(path, data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert not School(mailing).user(people.busy).weekly_mail
    assert door.post(path).status_code == 200  # once more does no harm


def test_a_forged_address_ends_nothing(mailing: Backend, people: People) -> None:
    """Neither another's id with the same signature, nor markup in its place."""
    people.want(people.busy, people.quiet)
    token = mailing.digests.leave_address(people.busy.id).partition("token=")[2]
    other = mailing.digests.leave_address(people.quiet.id).partition("token=")[2]
    forged = f"{other.partition('.')[0]}.{token.partition('.')[2]}"
    door = TestClient(create_api(mailing))
    for wrong in (forged, "", "x.y", token[:-1], "é.é"):
        assert door.post("/mails/unsubscribe", params={"token": wrong}).status_code == 422
    shown = door.get("/mails/unsubscribe", params={"token": '"><script>alert(1)</script>'}).text
    assert "<script>" not in shown
    assert School(mailing).user(people.quiet).weekly_mail


def test_the_switch_by_http(mailing: Backend, people: People) -> None:
    """PATCH /auth/me switches it on and off."""
    token = mailing.sign_in.sign_in_program(people.busy.email, "correct horse battery", "test").access_token
    door = TestClient(create_api(mailing), headers={"Authorization": f"Bearer {token}"})
    for wanted in (True, False):
        assert door.patch("/auth/me", json={"weeklyMail": wanted}).json()["data"]["weeklyMail"] is wanted


def test_without_mail_the_job_says_so(backend: Backend) -> None:
    """Nothing is written, and its record says what is missing."""
    job = next(each for each in table(backend) if each.name == "digests")
    assert "SMTP_URL" in job.work(None)  # type: ignore[arg-type]  # it needs no work before it finds that out
