"""A backend for each test (an empty school, real servers) and the people that tests need in it."""

import uuid
from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis import Redis

from backend.accounts.models import User, Viewer
from backend.bootstrap import Backend, build
from backend.classrooms.models import Classroom
from backend.config import Settings
from backend.kit.clock import SetClock
from backend.kit.embedded import Servers
from tests.servers import keeper
from tests.shared_database import SharedDatabase, SharedDatabases

PASSWORD = "correct horse battery"
IN_TURN = 3  # databases of a process
NOON = datetime(2026, 11, 18, 6, 30, tzinfo=UTC)  # a Wednesday, noon in Kolkata


def new_name() -> str:
    """A name for a database that nobody else has."""
    return f"test_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def clock() -> SetClock:
    """The time of a test: it stands until the test moves it."""
    return SetClock(NOON)


def altered(backend: Backend, **parts: object) -> Backend:
    """The same backend with other parts in these places."""
    other = copy(backend)
    vars(other).update(parts)
    return other


def settings_for(servers: Servers, data_dir: Path, database: str) -> Settings:
    """Settings of a school on the shared servers, with limits that no test meets by chance."""
    shared = _settings(str(servers.mongodb_uri), str(servers.redis_url))
    return shared.model_copy(update={"data_dir": data_dir, "mongodb_database": database})


@cache
def _settings(mongodb_uri: str, redis_url: str) -> Settings:
    """Read once in a process: to look for each variable in the environment takes a tenth of the time of a test."""
    return Settings(
        mongodb_uri=SecretStr(mongodb_uri),
        redis_url=SecretStr(redis_url),
        rate_limit_anonymous="1000000/hour",
        rate_limit_user="1000000/hour",
        rate_limit_premium="1000000/hour",
        rate_limit_burst="10000/second",
        rate_limit_adaptive=False,  # or a busy machine would decide what a test finds
    )


@pytest.fixture(scope="session")
def shared_databases(
    servers: Servers, servers_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SharedDatabases]:
    """Databases for all tests of this process, with the shipped catalogue and nothing else."""
    with keeper(servers_folder) as client, Redis.from_url(str(servers.redis_url)) as redis:
        made = [SharedDatabase(client, redis, new_name()) for _each in range(IN_TURN)]
        for each in made:
            build(settings_for(servers, tmp_path_factory.mktemp("first"), each.name), clock=SetClock(NOON)).close()
            each.remember()
        yield SharedDatabases(made)
        for each in made:
            each.drop()


@pytest.fixture
def shared_database(shared_databases: SharedDatabases) -> SharedDatabase:
    """The database of this test, as after its first start."""
    return shared_databases.next()


@pytest.fixture
def settings(servers: Servers, shared_database: SharedDatabase, tmp_path: Path) -> Settings:
    """Settings of a test: the shared servers, and a database that was used before and shows nothing of it."""
    return settings_for(servers, tmp_path, shared_database.name)


@pytest.fixture
def own_settings(servers: Servers, servers_folder: Path, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a test that needs a database of its own, which does not exist yet."""
    own = settings_for(servers, tmp_path, new_name())
    yield own
    with keeper(servers_folder) as client:
        client.drop_database(own.mongodb_database)


@pytest.fixture
def backend(settings: Settings, shared_database: SharedDatabase, clock: SetClock) -> Iterator[Backend]:
    """Every service, wired as in the product, over an empty school with the shipped catalogue."""
    built = build(settings, clock=clock)
    yield built
    shared_database.close_later(built.close)


@pytest.fixture
def own_backend(own_settings: Settings, clock: SetClock) -> Iterator[Backend]:
    """The same over a database of its own, which has no history."""
    built = build(own_settings, clock=clock)
    yield built
    built.close()


class School:
    """People of a test, made by the services that make them in life."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._count = 0

    def viewer(self, user: User) -> Viewer:
        """The user as a signed-in viewer."""
        ticket = self.backend.sign_in.issue_ticket(user, "browser")
        return self.backend.sign_in.viewer(self.backend.sign_in.redeem_ticket(ticket, "browser", "test"))

    def admin(self) -> Viewer:
        """The first administrator."""
        return self.viewer(
            self.backend.registration.create_first_administrator(
                name="Asha Admin", email="admin@example.org", password=PASSWORD
            )
        )

    def teacher(self, admin: Viewer, name: str = "Tara Teacher") -> Viewer:
        """A teacher who has set her password."""
        email = f"{self._next()}@example.org"
        link = self.backend.administration.create(admin, name=name, email=email, role="teacher")
        return self.viewer(self.backend.accounts.reset_password(link.token, PASSWORD))

    def classroom(self, teacher: Viewer, name: str = "12 A") -> Classroom:
        return self.backend.classrooms.create(teacher, name)

    def student(self, classroom: Classroom, name: str = "Sita Student") -> Viewer:
        """A student who signed up with the join code."""
        user = self.backend.registration.sign_up(
            name=name, email=f"{self._next()}@example.org", password=PASSWORD, join_code=str(classroom.join_code)
        )
        return self.viewer(user)

    def user(self, viewer: Viewer) -> User:
        """The account of a viewer."""
        return self.backend.accounts.me(viewer)

    def _next(self) -> str:
        self._count += 1
        return f"person{self._count}"


@pytest.fixture
def school(backend: Backend) -> School:
    return School(backend)


@pytest.fixture
def admin(school: School) -> Viewer:
    """The first administrator."""
    return school.admin()


@pytest.fixture
def admin_user(school: School, admin: Viewer) -> User:
    """The account of the first administrator."""
    return school.user(admin)


@pytest.fixture
def teacher(school: School, admin: Viewer) -> Viewer:
    """A teacher."""
    return school.teacher(admin)


@pytest.fixture
def classroom(school: School, teacher: Viewer) -> Classroom:
    """Her class, with nobody in it yet."""
    return school.classroom(teacher)


@pytest.fixture
def student(school: School, classroom: Classroom) -> Viewer:
    """One student in it."""
    return school.student(classroom)


@pytest.fixture
def two_students(school: School, teacher: Viewer) -> tuple[Viewer, Viewer]:
    """Two students of one class."""
    classroom = school.classroom(teacher)
    return school.student(classroom, "One"), school.student(classroom, "Two")
