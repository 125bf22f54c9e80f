"""Participants of a soak: new students in a class of the demo school, its teacher, and their programs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from httpx2 import AsyncClient, HTTPError, Response

from backend.accounts.models import User, Viewer
from backend.bootstrap import Backend
from backend.demo.people import PASSWORD
from system_tests.soak.ledger import OK, Ledger

DEVICE = "soak"
CALL_SECONDS = 30.0
AGAIN_SECONDS = 1.0
SPARE_SECONDS = 60.0


@dataclass(frozen=True)
class Person:
    """An account, as services see it, with a browser session that is open."""

    viewer: Viewer
    session: str


@dataclass(frozen=True)
class Cast:
    """All participants; `classroom_id` is the class of the students."""

    students: Sequence[Person]
    teacher: Person
    classroom_id: str


def enrol(backend: Backend, count: int) -> Cast:
    """Sign up new students in the first class of the demo school's first teacher."""
    teacher = _person(backend, backend.sign_in.authenticate("teacher1@demo.school", PASSWORD))
    classroom = backend.classrooms.classrooms(teacher.viewer)[0]
    code = str(classroom.join_code)
    students = [
        backend.registration.sign_up(
            name=f"Soak {number}", email=f"soak{number}@example.org", password=PASSWORD, join_code=code
        )
        for number in range(count)
    ]
    return Cast([_person(backend, user) for user in students], teacher, classroom.id)


def _person(backend: Backend, user: User) -> Person:
    session = backend.sign_in.redeem_ticket(backend.sign_in.issue_ticket(user, DEVICE), DEVICE, DEVICE)
    return Person(backend.sign_in.viewer(session), session)


@dataclass
class Program:
    """A program of a person, which signs in again before its token expires. Whatever it meets goes to the ledger."""

    client: AsyncClient
    ledger: Ledger
    email: str
    _token: str = field(default="", repr=False)
    _until: float = 0.0

    async def call(self, actor: str, method: str, path: str, **more: Any) -> Response | None:
        """The answer, if it is a success (or 304); None otherwise."""
        token = await self.token()
        if not token:
            return None
        began = monotonic()
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        answer = await self._ask(actor, method, path, headers=headers, **more)
        if answer is None:
            return None
        if answer.is_success or answer.status_code == 304:  # noqa: PLR2004 - not modified
            self.ledger.note(actor, OK, monotonic() - began)
            return answer
        self.ledger.note(actor, outcome(answer))
        if answer.status_code == 401:  # noqa: PLR2004 - whatever is wrong with the token, the next one may be right
            self.forget()
        return None

    async def token(self) -> str:
        """An access token that is good for another minute; "" where none can be had just now."""
        if monotonic() > self._until - SPARE_SECONDS:
            self.forget()
        if not self._token:
            await self._sign_in()
        return self._token

    def forget(self) -> None:
        """Sign in again before the next call."""
        self._token = ""

    async def _sign_in(self) -> bool:
        began = monotonic()
        answer = await self._ask(
            "sign-in", "POST", "/api/v1/auth/login", json={"email": self.email, "password": PASSWORD}
        )
        if answer is None or not answer.is_success:
            if answer is not None:
                self.ledger.note("sign-in", outcome(answer))
            await asyncio.sleep(AGAIN_SECONDS)
            return False
        self.ledger.note("sign-in", OK, monotonic() - began)
        given = answer.json()["data"]
        self._token, self._until = str(given["accessToken"]), monotonic() + float(given["expiresIn"])
        return True

    async def _ask(self, actor: str, method: str, path: str, **more: Any) -> Response | None:
        try:
            return await self.client.request(method, path, timeout=CALL_SECONDS, **more)
        except HTTPError as error:
            self.ledger.note(actor, type(error).__name__)
            return None


def outcome(answer: Response) -> str:
    """Status and code of an answer that is no success."""
    try:
        return f"{answer.status_code} {answer.json()['error']['code']}"
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code)
