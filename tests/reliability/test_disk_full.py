"""The disk of the private servers fills up under people who save: they are told, and nothing they had saved is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.operations.models import State
from tests.reliability.small_disk import SmallDisk
from tests.reliability.trial import Trials, TrialSchool
from tests.statistics.builders import running
from tests.waiting import until

SIZE_BYTES = 1_200_000_000  # so that there is room enough, by the health check's own rule, before
LEFT_BYTES = 300_000
LOOKS_SECONDS = 30.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    (tmp_path / "disk").mkdir()
    made = SmallDisk(tmp_path / "disk", SIZE_BYTES)
    yield made
    made.close()


@pytest.fixture
def ground(disk: SmallDisk) -> Iterator[TrialSchool]:
    backend = build(Settings(data_dir=disk.folder / "data"))
    try:
        with running(backend.projector):
            yield TrialSchool(backend)
    finally:
        backend.close()


def test_a_full_disk_refuses_and_loses_nothing(disk: SmallDisk, ground: TrialSchool, trials: Trials) -> None:
    """Sixteen save until the disk is full: they are refused in a sentence, health names the disk and the app is not
    ready; once there is room again they go on by the same keys, and the app is ready."""

    @contextmanager
    def fills() -> Iterator[None]:
        disk.leave(LEFT_BYTES)
        yield
        until(lambda: of_disk(ground.backend) == "critical", seconds=LOOKS_SECONDS)
        assert not ground.backend.operations.ready().is_ready
        disk.enlarge()
        until(lambda: ground.backend.operations.ready().is_ready, seconds=LOOKS_SECONDS)

    figure = trials.run(ground, "disk of the private MongoDB full", fills, saving_goes_on=False)
    assert figure.refused


def of_disk(backend: Backend) -> State:
    """What health says of the disk."""
    return next(each.state for each in backend.operations.status().services if each.name == "disk")
