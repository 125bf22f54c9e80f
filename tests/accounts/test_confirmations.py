"""Where mail is sent: who signs up or moves is asked by a letter, and nobody learns whose addresses are known."""

import re
from datetime import timedelta
from email.message import EmailMessage

import pytest
from starlette.testclient import TestClient

from backend.accounts.confirmations import LETTERS
from backend.accounts.models import ProfileChange, User
from backend.api import create_api
from backend.bootstrap import Backend
from backend.errors import AppError, Conflict, NotAllowed, NotFound
from backend.kit.clock import SetClock
from tests.accounts.test_enumeration import hashes
from tests.classrooms.builders import queries_of
from tests.mails.post_office import PostOffice, open_post, text_of
from tests.mails.sending import URL, mailing, office
from tests.school import PASSWORD, School

__all__ = ["hashes", "mailing", "office", "open_post"]

HOSTILE = "=1+1 <b>Sita</b> Bcc: all@example.org"
LINK = re.compile(rf"{re.escape(URL)}/api/v1/mails/confirm\?token=(\S+)")


class Town:
    """A class, its students, and the letters that go out."""

    def __init__(self, backend: Backend, office: PostOffice) -> None:
        self.backend, self.office = backend, office
        self.school = School(backend)
        self.teacher = self.school.teacher(self.school.admin())
        self.classroom = self.school.classroom(self.teacher)
        self.student = self.school.student(self.classroom)
        backend.mongo["outbox"].delete_many({})

    def sign_up(self, email: str = "new@example.org", name: str = "Sita New") -> User | None:
        code = str(self.classroom.join_code)
        return self.backend.registration.begin_sign_up(name=name, email=email, password=PASSWORD, join_code=code)

    def letter(self) -> EmailMessage:
        """The newest, once all that wait have gone."""
        self.backend.mails.deliver()
        return self.office.taken[-1]

    def token(self) -> str:
        found = LINK.search(text_of(self.letter()))
        assert found
        return found[1]


@pytest.fixture
def town(mailing: Backend, office: PostOffice) -> Town:
    return Town(mailing, office)


def test_a_letter_opens_the_account(town: Town) -> None:
    """Nobody is there before the link was used; then she is in her class and signs in; the link works once."""
    people = town.backend.mongo["users"]
    assert town.sign_up() is None
    assert people.count_documents({"email": "new@example.org"}) == 0
    token = town.token()
    assert PASSWORD not in str(list(town.backend.mongo["tickets"].find()))
    assert town.backend.registration.confirm(token, PASSWORD).email == "new@example.org"
    newcomer = town.school.viewer(town.backend.sign_in.authenticate("new@example.org", PASSWORD))
    assert newcomer.classroom_ids == (town.classroom.id,)
    with pytest.raises(NotFound):
        town.backend.registration.confirm(token, PASSWORD)


def test_who_asks_cannot_tell_a_taken_address_from_a_free_one(town: Town, hashes: list[str]) -> None:
    """The same answer after the same hash and as many commands; the owner of a taken one is told, without a link."""
    work = set()
    for email in (town.student.email, "free@example.org"):
        hashes.clear()
        commands = len(queries_of(town.backend, lambda email=email: town.sign_up(email)))  # type: ignore[misc]  # bound here
        work.add((tuple(hashes), commands))
    assert len(work) == 1
    town.backend.mails.deliver()
    told = {str(each["To"]): text_of(each) for each in town.office.taken}
    assert "account with it already" in told[town.student.email] and not LINK.search(told[town.student.email])
    assert LINK.search(told["free@example.org"])
    assert town.school.viewer(town.backend.sign_in.authenticate(town.student.email, PASSWORD)).name == "Sita Student"


def test_who_was_signed_up_by_somebody_else_opens_nothing_for_him(town: Town) -> None:
    """The link alone does not open an account under a password that its reader did not choose."""
    town.sign_up("victim@example.org")
    token = town.token()
    with pytest.raises(NotAllowed):
        town.backend.registration.confirm(token, "what she thinks it is")
    assert town.backend.mongo["users"].count_documents({"email": "victim@example.org"}) == 0


def test_the_school_writes_nothing_for_strangers(town: Town) -> None:
    """What somebody typed as her name does not stand in a letter to an address that nobody has confirmed."""
    town.sign_up(name=HOSTILE)
    letter = town.letter()
    assert "all@example.org" not in letter.as_string() and "Sita" not in text_of(letter)
    assert letter.get_all("To") == ["new@example.org"] and letter["Bcc"] is None


def test_a_mailbox_is_not_flooded(town: Town) -> None:
    """Five letters an hour go to one address; whoever asks oftener is answered the same."""
    assert {town.sign_up() for _attempt in range(LETTERS.rules[0].quota + 2)} == {None}
    assert town.backend.mongo["outbox"].count_documents({}) == LETTERS.rules[0].quota


def test_a_new_address_holds_once_it_was_confirmed(town: Town) -> None:
    """The rest of the change holds at once; the old address is told when the new one is used, which works once."""
    accounts = town.backend.accounts
    asked = accounts.change_email(town.student, "moved@example.org", ProfileChange(name="Sita Moved"))
    assert (asked.email, asked.name) == (town.student.email, "Sita Moved")
    token = town.token()
    assert town.backend.registration.confirm(token).email == "moved@example.org"
    assert town.backend.sign_in.authenticate("moved@example.org", PASSWORD).id == town.student.id
    assert town.letter()["To"] == town.student.email
    with pytest.raises(NotFound):
        town.backend.registration.confirm(token)
    entry = town.backend.mongo["audit"].find_one({"act": "email.changed"})
    assert entry and entry["actorId"] == town.student.id


def test_moving_tells_nothing_of_addresses(town: Town) -> None:
    """A taken address is answered as a free one; its owner is told, and what was taken meanwhile stays hers."""
    accounts, other = town.backend.accounts, town.school.student(town.classroom, "Other")
    taken = accounts.change_email(town.student, other.email)
    free = accounts.change_email(town.student, "free@example.org")
    assert taken == free
    token = town.token()
    town.backend.mongo["users"].update_one({"_id": other.id}, {"$set": {"emailKey": "free@example.org"}})
    town.backend.mongo["outbox"].delete_many({})
    with pytest.raises(Conflict):
        town.backend.registration.confirm(token)
    assert town.backend.mongo["outbox"].count_documents({}) == 0
    assert town.backend.sign_in.authenticate(town.student.email, PASSWORD).id == town.student.id


def test_links_end(town: Town, clock: SetClock) -> None:
    """After a day, and with the sessions of who asked for a new address: a thief's question dies with his session."""
    town.sign_up()
    clock.advance(timedelta(days=1, seconds=1))
    with pytest.raises(NotFound):
        town.backend.registration.confirm(town.token(), PASSWORD)
    student = town.school.viewer(town.school.user(town.student))
    town.backend.accounts.change_email(student, "thief@example.org")
    token = town.token()
    town.backend.accounts.change_password(student, PASSWORD, "another horse battery")
    with pytest.raises(NotFound):
        town.backend.registration.confirm(token)


@pytest.fixture
def door(mailing: Backend) -> TestClient:
    return TestClient(create_api(mailing), raise_server_exceptions=False)


def test_opening_the_address_of_a_letter_asks_and_sending_the_form_does_it(town: Town, door: TestClient) -> None:
    """A program that opens every address changes nothing; the wrong password is asked again, the right one opens."""
    body = {"name": "Sita", "email": "new@example.org", "password": PASSWORD, "joinCode": town.classroom.join_code}
    assert door.post("/auth/register", json=body).status_code == 202
    assert door.post("/auth/register", json=body | {"email": town.student.email}).status_code == 202
    found = next(found for each in letters(town) if (found := LINK.search(text_of(each))))
    address = f"/mails/confirm?token={found[1]}"
    assert 'type="password"' in door.get(address).text
    assert town.backend.mongo["users"].count_documents({"email": "new@example.org"}) == 0
    wrong = door.post(address, data={"password": "a wrong guess"})
    assert (wrong.status_code, 'type="password"' in wrong.text) == (422, True)
    assert door.post(address, data={"password": PASSWORD}).status_code == 200
    assert town.backend.sign_in.authenticate("new@example.org", PASSWORD)
    for old in (address, "/mails/confirm", "/mails/confirm?token=%22%3E%3Cscript%3E"):
        assert door.get(old).status_code == 422
        assert "<script>" not in door.get(old).text


def letters(town: Town) -> list[EmailMessage]:
    town.backend.mails.deliver()
    return town.office.taken


def test_the_button_of_a_letter_moves_the_account(town: Town, door: TestClient) -> None:
    """The page of a new address says which one, in words that are no markup, and one click moves the account."""
    town.backend.accounts.change_email(town.student, "o'moved&co@example.org")
    address = f"/mails/confirm?token={town.token()}"
    assert "o&#x27;moved&amp;co@example.org" in door.get(address).text
    assert door.post(address).status_code == 200
    with pytest.raises(AppError):
        town.backend.sign_in.authenticate(town.student.email, PASSWORD)
