"""What measures run on: private servers in a data folder of their own, and a school of each size."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.jobs import Jobs
from backend.kit.embedded import Servers, start_servers
from backend.kit.mongo.client import new_id
from backend.kit.redis import client as redis
from bench import maker
from bench.clock import MovingClock
from bench.made import SIZES, Made, Size

Report = Callable[[str], None]


@dataclass(frozen=True)
class School:
    """One database with a school of known size; `made` knows who is in it."""

    settings: Settings
    made: Made


@dataclass(eq=False)
class Bench:
    """The servers of one run. Schools are made when first asked for, and found again in the next run."""

    folder: Path
    sizes: tuple[Size, ...]
    report: Report
    _servers: Servers | None = None
    _schools: dict[str, School] = field(default_factory=dict)
    _open: ExitStack = field(default_factory=ExitStack)

    @property
    def servers(self) -> Servers:
        """A mongod and a Valkey, started when first needed."""
        if self._servers is None:
            self._servers = start_servers(self.folder, report=self.report)
            client = redis.connect(str(self._servers.redis_url))
            client.flushall()  # what an earlier run cached may be of a school that was made anew since
            redis.disconnect(client)
        return self._servers

    @property
    def largest(self) -> Size:
        return max(self.sizes, key=lambda size: size.students)

    @property
    def smallest(self) -> Size:
        return min(self.sizes, key=lambda size: size.students)

    def school(self, size: Size) -> School:
        """The school of this size; making one of a million records takes minutes, once."""
        if size.name not in self._schools:
            settings = self.settings(f"bench_{size.name}")
            self._schools[size.name] = School(settings, maker.made(settings, size, self.report))
        return self._schools[size.name]

    def settings(self, database: str) -> Settings:
        """Settings of a backend on the run's own servers."""
        return Settings(
            data_dir=self.folder,
            mongodb_uri=SecretStr(str(self.servers.mongodb_uri)),
            redis_url=SecretStr(str(self.servers.redis_url)),
            mongodb_database=database,
        )

    def backend(self, school: School, *, is_caching: bool = True) -> Backend:
        """The product over a school, at the time when the school was made; closed with the run."""
        built = self._built(school, is_caching=is_caching)
        self._open.callback(built.close)
        return built

    def _built(self, school: School, *, is_caching: bool) -> Backend:
        return build(school.settings, clock=MovingClock(school.made.at), is_caching=is_caching)

    @contextmanager
    def scratch(self) -> Iterator[tuple[Backend, Made]]:
        """A school of ten thousand records to write in, gone afterwards, and the product over it."""
        settings = self.settings(f"bench_scratch_{new_id()}")  # what Redis still knows is of another school
        school = School(settings, maker.made(settings, SIZES["10k"], self.report, is_fresh=True))
        backend = self._built(school, is_caching=True)
        try:
            yield backend, school.made
        finally:
            backend.mongo.client.drop_database(settings.mongodb_database)
            backend.close()

    def close(self) -> None:
        self._open.close()
        if self._servers:
            self._servers.stop()


@contextmanager
def at_work(backend: Backend) -> Iterator[None]:
    """The backend's background jobs run, as they do beside the app."""
    jobs = Jobs(backend)
    jobs.start()
    try:
        yield
    finally:
        jobs.stop()


def until(condition: Callable[[], bool], *, seconds: float = 60.0) -> None:
    """Return once `condition()` holds. Raises AssertionError where it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s")
        time.sleep(0.05)


@contextmanager
def busy(work: Callable[[int, threading.Event], None], count: int) -> Iterator[None]:
    """`count` threads do `work(number, stop)` until the block is left. Raises what any of them raised."""
    stop, failed = threading.Event(), list[Exception]()

    def run(number: int) -> None:
        try:
            work(number, stop)
        except Exception as error:  # noqa: BLE001 - the block that waits for them tells it
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]
