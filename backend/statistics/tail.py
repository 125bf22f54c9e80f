"""Reads ahead on a thread: a batch is everything that arrived while the one before was applied.

So a single change is applied at once, and a flood in few transactions.
"""

import queue
import threading
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from backend.statistics.models import Change
from backend.statistics.queries import ActivityStream

READ_AHEAD = 2000
BATCH = 500
_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Batch:
    """Changes in order, the place after them, and whether nothing more was waiting behind them."""

    changes: tuple[Change, ...] = ()
    token: dict[str, Any] | None = None
    is_last: bool = False


@dataclass(frozen=True)
class _Quiet:
    """The stream had nothing more up to this place."""

    token: dict[str, Any] | None


class Tail:
    """A context: the thread reads until the block is left."""

    def __init__(self, stream: ActivityStream) -> None:
        self._stream = stream
        self._read: queue.Queue[Change | _Quiet | Exception] = queue.Queue(READ_AHEAD)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read_ahead, name="activity-tail", daemon=True)

    def __enter__(self) -> "Tail":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def batch(self, wait_seconds: float) -> Batch:
        """Return the changes that have arrived, at most 500; empty after `wait_seconds` without any.

        Raises what the reading raised.
        """
        changes: list[Change] = []
        token, is_last = None, False
        try:
            item = self._read.get(timeout=wait_seconds)
            while True:
                if isinstance(item, Exception):
                    raise item
                token, is_last = item.token or token, isinstance(item, _Quiet)
                if isinstance(item, Change):
                    changes.append(item)
                if len(changes) == BATCH:
                    break
                item = self._read.get_nowait()
        except queue.Empty:
            pass
        return Batch(tuple(changes), token, is_last)

    def _read_ahead(self) -> None:
        try:
            while not self._stopped.is_set():
                self._put(self._stream.next() or _Quiet(self._stream.token))
        except Exception as error:  # noqa: BLE001 - raised to the caller of the next batch
            self._put(error)
        finally:
            self._stream.close()

    def _put(self, item: Change | _Quiet | Exception) -> None:
        while not self._stopped.is_set():
            with suppress(queue.Full):
                self._read.put(item, timeout=_LOOK_SECONDS)
                return
