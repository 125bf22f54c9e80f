"""The worker dies by kill -9 at each of its steps while people save; whoever goes on brings everything to the truth."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pymongo
import pytest
from pydantic import SecretStr

from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.jobs import WARMING, Jobs
from backend.kit.embedded import Servers
from backend.kit.schedule.runs import Run
from tests.reliability.dying_worker import REBUILDS, STEPS
from tests.reliability.trial import LONG_FORM, Trials, TrialSchool
from tests.statistics.builders import running
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
IN_A_JOB = "in a job"
SHORT_FORM = "when a batch is committed, before anybody is told"
DIES_SECONDS = 90.0
DEAD_LOCKS_SECONDS = 10.0  # what a transaction of the dead had locked stays so for ten seconds


class Workers:
    """One works at a time: a process that dies at a step, or this process, which goes on from there."""

    def __init__(self, ground: TrialSchool, environment: dict[str, str]) -> None:
        self.ground = ground
        self._environment = environment
        self._at_work = ExitStack()

    @contextmanager
    def dies(self, step: str) -> Iterator[None]:
        """A worker starts, comes to this step and is gone; another goes on."""
        self.die(step)
        self.go_on()
        yield

    def die(self, step: str) -> None:
        """A worker starts, comes to this step and is gone."""
        self._at_work.close()
        if step in REBUILDS:
            with pymongo.timeout(3 * DEAD_LOCKS_SECONDS):
                self.ground.backend.mongo["projectorState"].delete_many({})
        words = [sys.executable, "-m", "tests.reliability.dying_worker", step]
        with subprocess.Popen(words, cwd=ROOT, env=self._environment, stderr=subprocess.DEVNULL) as process:
            try:
                assert process.wait(DIES_SECONDS) == -signal.SIGKILL
            finally:
                process.kill()

    def go_on(self) -> None:
        """From here on this process works."""
        self._at_work.enter_context(running(self.ground.backend.projector))

    def close(self) -> None:
        self._at_work.close()


@pytest.fixture(scope="module")
def workers(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    folder = tmp_path_factory.mktemp("worked")
    chosen = {
        "DATA_DIR": str(folder),
        "MONGODB_URI": str(servers.mongodb_uri),
        "REDIS_URL": str(servers.redis_url),
        "MONGODB_DATABASE": f"reliability_{folder.name}",
    }
    backend = build(
        Settings(
            data_dir=folder,
            mongodb_uri=SecretStr(chosen["MONGODB_URI"]),
            redis_url=SecretStr(chosen["REDIS_URL"]),
            mongodb_database=chosen["MONGODB_DATABASE"],
        )
    )
    made = Workers(TrialSchool(backend), {"PATH": os.environ["PATH"], **chosen})
    try:
        yield made
        backend.mongo.client.drop_database(chosen["MONGODB_DATABASE"])
    finally:
        made.close()
        backend.close()


@pytest.mark.parametrize("step", [step for step in STEPS if step != IN_A_JOB])
def test_statistics_reach_the_truth_after_any_death(workers: Workers, trials: Trials, step: str) -> None:
    """Sixteen save; the worker dies at this step; nobody is refused, and the next worker counts each change once."""
    if not trials.is_long and step != SHORT_FORM:
        pytest.skip(LONG_FORM)
    figure = trials.run(workers.ground, f"worker killed (kill -9) {step}", lambda: workers.dies(step))
    assert figure.refused == {}


def test_a_job_is_done_after_its_worker_died(workers: Workers, trials: Trials) -> None:
    """The run that a dead worker had begun is taken over by the next one, and recorded as done, while sixteen save."""
    if not trials.is_long:
        pytest.skip(LONG_FORM)
    figure = trials.run(workers.ground, f"worker killed (kill -9) {IN_A_JOB}", lambda: dies_in_a_job(workers))
    assert figure.refused == {}


@contextmanager
def dies_in_a_job(workers: Workers) -> Iterator[None]:
    """A worker begins a run and is gone; this process's jobs, the projector among them, take over."""
    backend = workers.ground.backend
    workers.die(IN_A_JOB)
    (begun,) = [run for run in backend.runs.newest(WARMING, 10) if run.state == "running"]
    jobs = Jobs(backend)
    jobs.start()
    try:
        until(lambda: found(backend, begun.id).state == "done", seconds=180)
        yield
    finally:
        jobs.stop()
    assert found(backend, begun.id).attempt == begun.attempt + 1
    workers.go_on()


def found(backend: Backend, run_id: str) -> Run:
    """A run of the job as it is recorded now."""
    return next(run for run in backend.runs.newest(WARMING, 10) if run.id == run_id)
