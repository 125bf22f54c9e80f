"""The running system looks at itself: real MongoDB, real Valkey, and what happens when one of them is gone."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import INDEXES, Backend
from backend.errors import NotAllowed, NotSignedIn, Unavailable
from backend.kit.clock import SystemClock
from backend.kit.mongo.client import Mongo
from backend.kit.observability.metrics import QUERIES, REQUESTS
from backend.kit.redis.client import connect
from backend.operations import service as service_module
from backend.operations.check_registry import CheckRegistry, RuntimeInfo, StatusSources
from backend.operations.check_titles import titles
from backend.operations.models import Check, Health
from backend.operations.queries import OperationQueries
from backend.operations.server_queries import ServerQueries
from backend.operations.service import OperationsService
from backend.operations.vital_queries import VitalQueries
from tests.school import School
from tests.waiting import until

OF_BACKGROUND = {"worker", "jobs", "backups", "instances", "mail"}  # which no test backend does
OF_THIS_MACHINE = {"release"}  # the series of the packaged mongod has ended
NOBODY_LISTENS = "127.0.0.1:1"


def check(health: Health, name: str) -> Check:
    (found,) = (each for each in health.checks if each.name == name)
    return found


def operations(backend: Backend, folder: Path, *, mongo: Mongo | None = None, redis: str = "") -> OperationsService:
    """The service over what a test puts in its place."""
    configured = backend.settings.redis_url
    client = connect(f"redis://{redis}" if redis or not configured else configured.get_secret_value())
    database = mongo or backend.mongo
    queries = OperationQueries(database, INDEXES)
    around = RuntimeInfo(version="test", data_dir=folder, is_production=False)
    checks = CheckRegistry(
        queries, ServerQueries(database), client, backend.cache, backend.clock, around, StatusSources()
    )
    return OperationsService(
        queries, VitalQueries(database), checks, backend.cache, backend.metrics, backend.clock, "test"
    )


@pytest.fixture
def without_mongodb(backend: Backend, tmp_path: Path) -> Iterator[OperationsService]:
    gone = Mongo(f"mongodb://{NOBODY_LISTENS}/?directConnection=true", "nothing")
    made = operations(backend, tmp_path, mongo=gone)
    yield made
    made.close()
    gone.close()


@pytest.fixture
def without_redis(backend: Backend, tmp_path: Path) -> Iterator[OperationsService]:
    made = operations(backend, tmp_path, redis=NOBODY_LISTENS)
    yield made
    made.close()


def well(health: Health) -> bool:
    """Whether every check is that needs neither background work nor a newer MongoDB."""
    return all(each.state == "ok" for each in health.checks if each.name not in OF_BACKGROUND | OF_THIS_MACHINE)


def well_at_last(backend: Backend, admin: Viewer) -> Health:
    """The first look of which nothing came too late: a later one of a busy machine may be without an answer again."""
    looks = list[Health]()

    def is_whole() -> bool:
        looks.append(backend.operations.health(admin))
        return well(looks[-1]) and looks[-1].counts is not None

    try:
        until(is_whole)
    except AssertionError as error:
        error.add_note(str([each for each in looks[-1].checks if each.state != "ok"]))
        raise
    return looks[-1]


def test_a_healthy_system_says_so(backend: Backend, school: School) -> None:
    """With everything in place every check that can be made is well, and the figures are those of the school."""
    admin = school.admin()
    school.student(school.classroom(school.teacher(admin)))
    health = well_at_last(backend, admin)
    assert health.is_ready
    assert health.counts is not None
    assert (health.counts.students, health.counts.teachers, health.counts.admins) == (1, 1, 1)
    assert (health.counts.classrooms, health.counts.chapters, health.counts.progress) == (1, 101, 0)
    assert check(health, "mongodb").latency_ms is not None
    assert health.process.memory_bytes > 1_000_000


def test_only_administrators_see_the_details(backend: Backend, school: School) -> None:
    """Students and teachers are refused; what anybody may see names no version, server or path."""
    admin = school.admin()
    teacher = school.teacher(admin)
    with pytest.raises(NotAllowed):
        backend.operations.health(teacher)
    with pytest.raises(NotSignedIn):
        backend.operations.health(None)  # type: ignore[arg-type]  # what a careless caller would pass
    status = backend.operations.status()
    assert status.is_ready
    assert [each.name for each in status.services] == [
        name for name in titles() if name not in {"secrets", "audit", "demo", "release"}
    ]
    assert not any(each.summary or each.detail or each.fix or each.value for each in status.services)


def test_without_mongodb_nothing_is_ready(without_mongodb: OperationsService, school: School) -> None:
    """A database that does not answer is critical within the bound; the rest is still found out."""
    admin = school.admin()
    started = perf_counter()
    health = without_mongodb.health(admin)
    assert perf_counter() - started < service_module.BOUND_SECONDS + 2
    assert not health.is_ready
    assert check(health, "mongodb").state == "critical"
    assert check(health, "mongodb").fix
    assert health.counts is None
    assert check(health, "redis").state == "ok"
    assert not without_mongodb.ready().is_ready
    assert not without_mongodb.status().is_ready
    assert without_mongodb.live().threads > 0


def test_without_redis_all_goes_on(without_redis: OperationsService, school: School) -> None:
    """Redis is soft: its loss is a warning, and the system stays ready."""
    health = without_redis.health(school.admin())
    assert check(health, "redis").state == "warning"
    assert health.is_ready
    assert without_redis.ready().is_ready


def test_redis_that_forgets_is_noticed(backend: Backend, school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alive means that a value comes back: a server that takes a value and loses it is not well."""

    def forgets(_client: object) -> float:
        raise Unavailable("It did not come back.")

    monkeypatch.setattr("backend.kit.redis.client.ping_by_value", forgets)
    assert check(backend.operations.health(school.admin()), "redis").state == "warning"


def test_a_missing_index_is_noticed(backend: Backend, school: School) -> None:
    """An index that a feature declares and the database lost is named."""
    admin = school.admin()
    backend.mongo["memberships"].drop_index("user")
    found = check(backend.operations.health(admin), "indexes")
    assert (found.state, found.detail) == ("error", "memberships.user")


def test_an_index_that_nothing_uses_is_reported_after_a_week(own_backend: Backend) -> None:
    """Not reported: what a query used, what keeps values unique, and a server watched for less than a week."""
    queries, now = OperationQueries(own_backend.mongo, INDEXES), SystemClock().now()
    assert queries.unused_indexes(now + timedelta(days=6)).names == ()
    before = queries.unused_indexes(now + timedelta(days=8))
    assert before.watched > timedelta(days=7)
    assert "memberships.classroom" in before.names
    assert "users.email" not in before.names
    list(own_backend.mongo["memberships"].find({"userId": "nobody"}).hint("classroom"))
    assert "memberships.classroom" not in queries.unused_indexes(now + timedelta(days=8)).names


def test_open_secrets_are_noticed(backend: Backend, school: School) -> None:
    """A secret that other users of the machine can read is named, with the command that mends it."""
    secret = backend.settings.data_dir / "secrets" / "jwt"
    assert secret.exists()
    secret.chmod(0o644)
    found = check(backend.operations.health(school.admin()), "secrets")
    assert found.state == "error"
    assert "chmod" in found.fix


def test_many_at_once_cost_one_look(backend: Backend, school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten who ask at the same moment, and once more within 3 seconds, cause one round of checks."""
    admin = school.admin()
    looks, really = list[int](), backend.mongo.ping_by_value

    def counted() -> float:
        looks.append(1)
        return really()

    monkeypatch.setattr(backend.mongo, "ping_by_value", counted)
    threads = [threading.Thread(target=backend.operations.health, args=(admin,)) for _each in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    backend.operations.ready()
    assert len(looks) == 1


def test_queries_are_timed_by_command_and_collection(backend: Backend, school: School) -> None:
    """Every command is counted where it belongs, and the health page shows the most expensive."""
    admin = school.admin()
    before = backend.metrics.read(QUERIES)["find users"].count
    backend.administration.user(admin, admin.id)
    assert backend.metrics.read(QUERIES)["find users"].count == before + 1
    labels = [each.label for each in backend.operations.health(admin).slowest_queries]
    assert labels
    assert len(labels) == len(set(labels))


def test_percentiles_are_given_for_every_kind(backend: Backend, school: School) -> None:
    """Requests, pages, their parts and queries each have a line; no request yet is no data, not 0 ms."""
    health = backend.operations.health(school.admin())
    lines = {each.kind: each for each in health.timings}
    assert len(lines) == 4
    assert (lines[REQUESTS].count, lines[REQUESTS].p99_ms) == (0, None)
    queries = lines[QUERIES]
    assert queries.p50_ms is not None
    assert queries.p99_ms is not None
    assert queries.max_ms is not None
    assert 0 < queries.p50_ms <= queries.p99_ms <= queries.max_ms


def test_cache_figures_add_up(backend: Backend, school: School) -> None:
    """Hits and misses of a region are its reads, and the hit rate follows from them."""
    admin = school.admin()
    for _each in range(3):
        school.viewer(school.user(admin))
    (viewers,) = (each for each in backend.operations.health(admin).cache if each.name == "viewers")
    reads = viewers.hits_app + viewers.hits_redis + viewers.misses
    assert reads >= 4
    assert viewers.hit_share == (viewers.hits_app + viewers.hits_redis) / reads
