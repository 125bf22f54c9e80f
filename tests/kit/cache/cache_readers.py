"""Loaders and readers that the tests of the cache share."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from backend.kit.cache import CacheAnswer, Region
from backend.kit.cache import cache as engine
from backend.kit.redis import client

PATIENT_SECONDS = 60.0
NUMBERS = Region("numbers", int, 60)


class Source:
    """A number that is read slowly enough to be overtaken, and counts its readers."""

    def __init__(self, value: int = 1, delay_seconds: float = 0.0) -> None:
        self.value = value
        self.loads = 0
        self.delay_seconds = delay_seconds
        self.started = threading.Event()
        self.may_end: threading.Event | None = None
        self._lock = threading.Lock()

    def __call__(self) -> int:
        with self._lock:
            self.loads += 1
        value = self.value
        self.started.set()
        time.sleep(self.delay_seconds)
        if self.may_end is not None:
            assert self.may_end.wait(60)
        return value


def all_at_once(count: int, read: Callable[[], CacheAnswer[int]]) -> list[CacheAnswer[int]]:
    gate = threading.Barrier(count)

    def wait_and_read(_number: int) -> CacheAnswer[int]:
        gate.wait()
        return read()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(wait_and_read, range(count)))


def be_patient() -> None:
    """Lengthen the time limits in this process: on a busy machine a thread may get no turn for seconds, and that others
    then give up is the subject of other tests."""
    engine._WAIT_SECONDS = engine._LOCK_SECONDS = PATIENT_SECONDS
    client.CALL_SECONDS = client.CLUSTER_CALL_SECONDS = client.CONNECT_SECONDS = PATIENT_SECONDS
    client._POOL_WAIT_SECONDS = PATIENT_SECONDS
