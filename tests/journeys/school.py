"""A small demo school that is served, with its services at hand: what a page shows is what a service says."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import pytest
from pydantic import SecretStr

from backend.accounts.models import User, Viewer
from backend.bootstrap import Backend, build
from backend.classrooms.models import Classroom
from backend.config import Settings
from backend.demo import open_school
from backend.kit.embedded import Servers
from tests.journeys.running import RunningApp, Visitor, Visitors, running

LEARNERS, DAYS = 12, 30
PASSWORD = "a long enough one"
DEMO_PASSWORD = "demo-school-2026"
DEVICE = "the browser of this test"


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    user: User
    password: str

    @property
    def email(self) -> str:
        return self.user.email


class ServedSchool:
    """The demo school behind a running app. People who are changed in a test are made for it alone."""

    def __init__(self, app: RunningApp, backend: Backend, environment: dict[str, str]) -> None:
        self.app = app
        self.environment = environment
        self.backend = backend
        self._numbers = count(1)

    def viewer(self, email: str) -> Viewer:
        """An account as services want to see it, by its address."""
        office = Viewer(id="office", name="Office", email="", role="admin")
        found = self.backend.administration.users(office, search=email, limit=200).users
        user = next(user for user in found if user.email == email)
        return self.backend.sign_in.viewer(self.session(user))

    def session(self, user: User) -> str:
        """A browser session of a user: the value of the cookie."""
        ticket = self.backend.sign_in.issue_ticket(user, DEVICE)
        return self.backend.sign_in.redeem_ticket(ticket, DEVICE, DEVICE)

    def student(self, classroom: Classroom, name: str = "Sita Student") -> Person:
        """A new student in a class."""
        email = f"person{next(self._numbers)}@example.org"
        code = str(classroom.join_code)
        user = self.backend.registration.sign_up(name=name, email=email, password=PASSWORD, join_code=code)
        return Person(user, PASSWORD)

    def teacher(self, name: str = "Tara Teacher") -> Person:
        """A new teacher."""
        email = f"person{next(self._numbers)}@example.org"
        admin = self.viewer("admin@demo.school")
        link = self.backend.administration.create(admin, name=name, email=email, role="teacher")
        return Person(self.backend.accounts.reset_password(link.token, PASSWORD), PASSWORD)

    def classroom(self, teacher: Person, name: str = "A new class") -> Classroom:
        """A new class of a teacher."""
        return self.backend.classrooms.create(self.viewer(teacher.email), name)

    def lone_student(self) -> Person:
        """A new student in a class of her own."""
        return self.student(self.classroom(self.teacher()))

    @contextmanager
    def same_catalogue(self) -> Iterator[None]:
        """Whatever chapters the block adds are archived after it: other tests count what is there."""
        before = {chapter.id for chapter in self.backend.chapters.active()}
        try:
            yield
        finally:
            admin = self.viewer("admin@demo.school")
            for chapter in self.backend.chapters.active():
                if chapter.id not in before:
                    self.backend.chapters.archive(admin, chapter.id)

    def visit(
        self, visitors: Visitors, email: str, *, is_phone: bool = False, app: RunningApp | None = None
    ) -> Visitor:
        """A browser window in which the person with this address is signed in already (`app`: another process)."""
        visitor = visitors(app or self.app, is_phone=is_phone)
        user = self.backend.accounts.me(self.viewer(email))
        visitor.carry_session(self.session(user))
        return visitor


@pytest.fixture(scope="package")
def served(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSchool]:
    """A small demo school, made by the product's services before its app starts."""
    folder = tmp_path_factory.mktemp("served")
    database = f"journeys_{uuid.uuid4().hex[:12]}"
    environment = {
        "MONGODB_URI": str(servers.mongodb_uri),
        "REDIS_URL": str(servers.redis_url),
        "MONGODB_DATABASE": database,
        "RATE_LIMIT_ANONYMOUS": "1000000/hour",  # all people of these tests stand behind one address
    }
    settings = Settings(
        data_dir=folder / "data",
        mongodb_uri=SecretStr(environment["MONGODB_URI"]),
        redis_url=SecretStr(environment["REDIS_URL"]),
        mongodb_database=database,
    )
    backend = build(settings)
    open_school(backend, count=LEARNERS, days=DAYS)
    with running(folder / "data", **environment) as app:
        yield ServedSchool(app, backend, environment)
    backend.mongo.client.drop_database(database)
    backend.close()
