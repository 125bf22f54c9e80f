"""What facts about the system mean: each fault has its state, and whatever is not well says how to fix it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from backend.audit.models import ChainState
from backend.backups.models import Backup, BackupState, Drill
from backend.kit.cache import CacheRegion
from backend.kit.redis.client import ServerDescription
from backend.operations import checks, machine_checks
from backend.operations.check_titles import size
from backend.operations.jobs import JobReport, JobRun
from backend.operations.machine import Disk, Memory
from backend.operations.models import Check, State, worst
from backend.operations.queries import Deployment, ReplicaSetMember, Unused
from backend.statistics.models import ProjectorHealth

GB = 1_000_000_000
MEMBERS = (
    ReplicaSetMember(name="a:1", state="PRIMARY", is_healthy=True),
    ReplicaSetMember(name="b:1", state="SECONDARY", is_healthy=True),
    ReplicaSetMember(name="c:1", state="(not reachable/healthy)", is_healthy=False),
)
DEPLOYMENT = Deployment(
    version="6.0.5",
    replica_set="rs0",
    is_sharded=False,
    has_primary=True,
    members=MEMBERS[:2],
    round_trip_seconds=0.004,
)
SERVER = ServerDescription(
    name="Valkey", version="9.1", uptime_seconds=5, used_memory_bytes=1_400_000, clients=2, nodes=1
)
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
JOB = JobReport(
    name="retention",
    cron="15 4 * * *",
    time_zone="UTC",
    makes_up=True,
    is_tended=True,
    next_at=NOON,
    asked_for=None,
    runs=(),
)
READS = CacheRegion(
    name="viewers", hits_app=2, hits_redis=1, misses=1, stale=0, errors=0, waits=0, renewals=0, entries=1
)


def deployment(**changes: Any) -> Check:
    return checks.mongodb(msgspec.structs.replace(DEPLOYMENT, **changes))


def failed(job: JobReport) -> JobReport:
    """The job after a run that failed, and one that was left out since."""
    run = JobRun(slot=NOON, kind="slot", state="failed", started_at=NOON, seconds=1.0, attempt=1, outcome="No.", log=())
    return msgspec.structs.replace(job, runs=(msgspec.structs.replace(run, state="skipped"), run))


def lag(seconds: float, *, is_alive: bool = True) -> Check:
    return checks.worker(ProjectorHealth(owner="one", epoch=1, is_alive=is_alive, lag_seconds=seconds))


NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
KEPT = BackupState(is_configured=True, place="/backups")


def backed_up(
    *, hours: float = 4, tried_days: int | None = 3, failure: str = "", problems: tuple[str, ...] = ()
) -> BackupState:
    """A school whose newest backup is `hours` old."""
    taken_at = NOW - timedelta(hours=hours)
    last = Backup(
        id="2026-11-22T02-00-00Z-abcd",
        taken_at=taken_at,
        seconds=1.0,
        documents=10,
        stored_bytes=1000,
        raw_bytes=5000,
        collections=3,
        is_sealed=False,
        app_version="1",
        server_version="6.0.5",
    )
    tried = NOW - timedelta(days=tried_days) if tried_days is not None else None
    drill = Drill(backup_id=last.id, at=tried, seconds=1.0, documents=10, problems=problems) if tried else None
    return msgspec.structs.replace(KEPT, last=last, failure=failure, drill=drill)


def trail(entries: int, broken_at: int | None = None) -> Check:
    return checks.audit(ChainState(checked_at=NOW, entries=entries, broken_at=broken_at))


CASES: dict[str, tuple[Check, State]] = {
    "audit trail": (trail(9), "ok"),
    "empty audit trail": (trail(0), "ok"),
    "audit trail that was changed": (trail(9, broken_at=5), "error"),
    "audit trail whose first entry was changed": (trail(0, broken_at=1), "error"),
    "healthy replica set": (deployment(), "ok"),
    "sharded cluster": (deployment(replica_set=None, is_sharded=True, members=()), "ok"),
    "members not to be seen": (deployment(members=()), "ok"),
    "a member away": (deployment(members=MEMBERS), "warning"),
    "slow database": (deployment(round_trip_seconds=0.3), "warning"),
    "MongoDB whose series has ended": (checks.release("6.0.5", date(2025, 8, 1)), "warning"),
    "MongoDB on its last day": (checks.release("6.0.26", date(2025, 7, 31)), "ok"),
    "MongoDB that is maintained": (checks.release("7.0.28", NOW.date()), "ok"),
    "minor release that has ended": (checks.release("8.2.6", NOW.date()), "warning"),
    "MongoDB newer than the table": (checks.release("9.4.1", NOW.date()), "ok"),
    "no replica set": (deployment(replica_set=None, members=()), "error"),
    "redis": (checks.redis(0.001, SERVER), "ok"),
    "slow redis": (checks.redis(0.3, SERVER), "warning"),
    "cache": (checks.cache(True, (READS,)), "ok"),
    "cache without listener": (checks.cache(False, (READS,)), "warning"),
    "roomy disk": (machine_checks.disk(Disk(50 * GB, 100 * GB), "/data"), "ok"),
    "disk of 4 %": (machine_checks.disk(Disk(4 * GB, 100 * GB), "/data"), "warning"),
    "disk of 4 % that is huge": (machine_checks.disk(Disk(80 * GB, 2000 * GB), "/data"), "ok"),
    "little disk": (machine_checks.disk(Disk(GB, 8 * GB), "/data"), "warning"),
    "full disk": (machine_checks.disk(Disk(GB // 10, 8 * GB), "/data"), "critical"),
    "memory": (machine_checks.memory(Memory(GB // 10, 4 * GB, 8 * GB)), "ok"),
    "little memory": (machine_checks.memory(Memory(GB // 10, GB // 10, 8 * GB)), "warning"),
    "private secrets": (machine_checks.secrets(()), "ok"),
    "open secrets": (machine_checks.secrets(("/data/secrets/jwt",)), "error"),
    "indexes": (checks.indexes(()), "ok"),
    "missing index": (checks.indexes(("users.email",)), "error"),
    "unused index": (checks.indexes((), Unused(("users.board",), timedelta(days=9))), "info"),
    "missing and unused": (checks.indexes(("users.email",), Unused(("users.board",), timedelta(days=9))), "error"),
    "jobs": (checks.jobs((JOB,)), "ok"),
    "a job that failed": (checks.jobs((failed(JOB),)), "warning"),
    "nobody does the jobs": (checks.jobs((msgspec.structs.replace(JOB, is_tended=False),)), "unknown"),
    "no jobs yet": (checks.jobs(()), "unknown"),
    "real school": (checks.demo(0, is_production=True), "ok"),
    "demo school": (checks.demo(124, is_production=False), "info"),
    "demo school in production": (checks.demo(124, is_production=True), "critical"),
    "no place for backups": (checks.backups(None, NOW), "warning"),
    "no backup yet": (checks.backups(KEPT, NOW), "info"),
    "backup of last night, tried": (checks.backups(backed_up(), NOW), "ok"),
    "backup never tried": (checks.backups(backed_up(tried_days=None), NOW), "info"),
    "backup not tried lately": (checks.backups(backed_up(tried_days=10), NOW), "info"),
    "backup of the day before": (checks.backups(backed_up(hours=30), NOW), "warning"),
    "backup of last week": (checks.backups(backed_up(hours=100), NOW), "error"),
    "backup that failed": (checks.backups(backed_up(failure="No space left on device"), NOW), "error"),
    "trial that failed": (checks.backups(backed_up(problems=("users: other documents",)), NOW), "error"),
    "worker": (lag(0.2), "ok"),
    "worker behind": (lag(30), "warning"),
    "worker far behind": (lag(600), "error"),
    "worker stopped": (lag(0, is_alive=False), "error"),
    "no worker yet": (checks.worker(ProjectorHealth()), "unknown"),
    "no worker wired": (checks.worker(None), "unknown"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_fact_has_its_state(case: str) -> None:
    """A fact is as grave as it is, no more and no less."""
    check, state = CASES[case]
    assert check.state == state


@pytest.mark.parametrize("case", [case for case, (check, _state) in CASES.items() if check.state != "ok"])
def test_whatever_is_not_well_says_how_to_fix_it(case: str) -> None:
    """Nobody is told of a fault without the next step."""
    assert CASES[case][0].fix


def test_every_check_says_something() -> None:
    """A check has a title and one line, whatever its state."""
    assert all(check.title and check.summary and "\n" not in check.summary for check, _state in CASES.values())


def test_the_gravest_state_counts() -> None:
    """The whole is as well as its worst part: unknown is worse than information, and better than a warning."""
    order: list[State] = ["ok", "info", "unknown", "warning", "error", "critical"]
    made = [msgspec.structs.replace(CASES["redis"][0], state=state) for state in order]
    for index, state in enumerate(order):
        assert worst(tuple(made[: index + 1])) == worst(tuple(reversed(made[: index + 1]))) == state
    assert worst(()) == "ok"


def test_a_share_needs_reads() -> None:
    """Without a single read the hit rate is a dash, not 0 %."""
    assert checks.cache(True, ()).summary.startswith("–")
    assert checks.cache(True, (READS,)).summary.startswith("75%")


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1_400_000, "1.4 MB"), (84 * GB, "84 GB"), (2_500 * GB, "2.5 TB")],
)
def test_sizes_are_said_in_words(count: int, words: str) -> None:
    """Bytes become the unit in which a person thinks."""
    assert size(count) == words
