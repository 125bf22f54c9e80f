"""Who does background work: the web process by itself, unless it is told to leave that to workers."""

from pathlib import Path

from backend.bootstrap import Backend
from backend.jobs import Jobs
from backend.statistics.queries import PROJECTOR
from tests.journeys.running import running
from tests.waiting import until


def test_a_web_process_leaves_background_work_alone(backend: Backend, tmp_path: Path) -> None:
    """With BACKGROUND_WORK=no nobody has kept statistics or planned a job before the first worker comes."""
    uri, redis = backend.settings.mongodb_uri, backend.settings.redis_url
    assert uri and redis
    leases, jobs = backend.mongo["leases"], Jobs(backend)
    own = {"MONGODB_URI": uri.get_secret_value(), "REDIS_URL": redis.get_secret_value()}
    with running(tmp_path / "web", MONGODB_DATABASE=backend.settings.mongodb_database, BACKGROUND_WORK="no", **own):
        assert backend.mongo["jobs"].count_documents({}) == 0
        jobs.start()
        try:
            until(lambda: leases.count_documents({"_id": PROJECTOR, "epoch": {"$gt": 0}}) == 1)
        finally:
            jobs.stop()
        found = leases.find_one({"_id": PROJECTOR})
        assert found and found["epoch"] == 1  # the first that ever led
