"""A circuit breaker: after failures in a row calls are refused at once, until one probe shows that the server is back.

Its lock guards the decision alone, never the guarded call. Its creator says which errors count as failures.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Literal, TypeVar

from backend.kit.observability import log

T = TypeVar("T")
State = Literal["closed", "open", "half-open"]
Weigh = Callable[[BaseException], int | None]
"""Weight of an error: None if it says nothing of the server, 0 if the server answered, else failures to count."""

PROBE_SECONDS = 15.0  # longer than any guarded call may take; after it the probe counts as lost
CONCLUSIVE = 1_000_000  # the weight of an error that opens whatever the limit is

_log = log.get(__name__)


@dataclass(frozen=True)
class BreakerFigures:
    """A breaker's figures in this process: `since` is when it entered its state, `reason` the error that opened it."""

    name: str
    state: State
    since: datetime
    failures: int
    opened: int
    refused: int
    reason: str


class Breaker:
    """Thread-safe. Closed costs one comparison before a call and one after it."""

    def __init__(
        self,
        name: str,
        *,
        weigh: Weigh,
        refusal: Callable[[str], Exception],
        limit: int = 5,
        reset_seconds: float = 2.0,
    ) -> None:
        self.name = name
        self._weigh = weigh
        self._refusal = refusal
        self._limit = limit
        self._reset_seconds = reset_seconds
        self._lock = threading.Lock()
        self._state: State = "closed"
        self._since = datetime.now(UTC)
        self._generation = 0
        self._failures = self._opened = self._refused = 0
        self._next_probe = 0.0
        self._reason = ""

    @property
    def state(self) -> State:
        """Closed lets all through, open none, half-open the one that finds out."""
        return self._state

    @property
    def is_closed(self) -> bool:
        """Whether calls go through as usual."""
        return self._state == "closed"

    @property
    def retry_after_seconds(self) -> float:
        """When the next probe may go out; 0.0 where calls go through."""
        return 0.0 if self._state == "closed" else max(0.0, self._next_probe - monotonic())

    def read(self) -> BreakerFigures:
        """The figures of this process so far."""
        with self._lock:
            return BreakerFigures(
                self.name, self._state, self._since, self._failures, self._opened, self._refused, self._reason
            )

    def call(self, work: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Call `work` and return its result or raise its error; raise the refusal instead while the server is away."""
        generation = self._generation if self._state == "closed" else self._admitted()
        try:
            result = work(*args, **kwargs)
        except BaseException as error:
            self._heed(generation, error)
            raise
        if self._failures or self._state != "closed":
            self._succeeded(generation)
        return result

    def hint(self) -> None:
        """Somebody has heard of the server: the next call may find out, without waiting for its time."""
        with self._lock:
            if self._state == "open":
                self._next_probe = 0.0

    def _admitted(self) -> int:
        """The generation of a call that may go out though the breaker is not closed. Raises the refusal."""
        with self._lock:
            now = monotonic()
            if self._state == "closed":
                return self._generation
            if now >= self._next_probe:
                self._enter("half-open")
                self._next_probe = now + PROBE_SECONDS
                return self._generation
            self._refused += 1
        raise self._refusal(self._reason)

    def _heed(self, generation: int, error: BaseException) -> None:
        weight = self._weigh(error)
        if weight is None:
            self._learned_nothing(generation)
        elif weight:
            self._failed(generation, weight, error)
        else:
            self._succeeded(generation)

    def _succeeded(self, generation: int) -> None:
        with self._lock:
            if generation != self._generation:  # begun before it opened: says nothing of what is now
                return
            self._failures = 0
            if self._state == "closed":
                return
            self._enter("closed")
        _log.info("breaker_closed", breaker=self.name)

    def _failed(self, generation: int, weight: int, error: BaseException) -> None:
        with self._lock:
            if generation != self._generation:
                return
            self._failures += 1
            was = self._state
            if was == "closed" and self._failures - 1 + weight < self._limit:
                return
            self._reason = f"{type(error).__name__}: {str(error)[:200]}"
            self._next_probe = monotonic() + self._reset_seconds * (0.5 + random.random())  # noqa: S311  (spreads load)
            if was == "closed":
                self._opened += 1
            self._enter("open")
        if was == "closed":
            _log.warning("breaker_opened", breaker=self.name, reason=self._reason)

    def _learned_nothing(self, generation: int) -> None:
        """A probe that was called off: the next call takes its place."""
        with self._lock:
            if generation == self._generation and self._state == "half-open":
                self._enter("open")
                self._next_probe = 0.0

    def _enter(self, state: State) -> None:
        """Calls begun in another state than this are not heeded, whatever becomes of them. Holds the lock."""
        if not (self._state == "half-open" and state == "open") and not (self._state == "open" and state != "closed"):
            self._since = datetime.now(UTC)  # probes in between do not make an outage younger
        self._state = state
        self._generation += 1
        if state == "closed":
            self._failures = 0
