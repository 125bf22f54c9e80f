"""People of a cluster's school with a browser session and a token, made by its services."""

import ssl
from dataclasses import dataclass
from itertools import count

from httpx2 import Client

from backend.accounts.models import User, Viewer
from backend.bootstrap import Backend
from backend.demo.people import PASSWORD

DEVICE = "cluster"
TEACHER = "teacher1@demo.school"
CALL_SECONDS = 30.0

_numbers = count(1)


@dataclass(frozen=True)
class Person:
    """A person signed in as a browser (`session` is the cookie) and as a program (`token`)."""

    viewer: Viewer
    session: str
    token: str

    def client(self, base_url: str) -> Client:
        """Return an HTTP client of the person's program."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return Client(base_url=base_url, headers=headers, verify=unchecked(), timeout=CALL_SECONDS)


def teacher(backend: Backend) -> Person:
    """The first teacher of the demo school."""
    return _signed_in(backend, backend.sign_in.authenticate(TEACHER, PASSWORD))


def student(backend: Backend) -> Person:
    """A new student in that teacher's first class."""
    classroom = backend.classrooms.classrooms(teacher(backend).viewer)[0]
    number = next(_numbers)
    user = backend.registration.sign_up(
        name=f"Nina {number}",
        email=f"nina{number}@example.org",
        password=PASSWORD,
        join_code=str(classroom.join_code),
    )
    return _signed_in(backend, user)


def unchecked() -> ssl.SSLContext:
    """For a certificate that signs itself."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _signed_in(backend: Backend, user: User) -> Person:
    session = backend.sign_in.redeem_ticket(backend.sign_in.issue_ticket(user, DEVICE), DEVICE, DEVICE)
    pair = backend.sign_in.sign_in_program(user.email, PASSWORD, DEVICE)
    return Person(backend.sign_in.viewer(session), session, pair.access_token)
