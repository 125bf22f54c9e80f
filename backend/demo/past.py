"""The product's own services at a time that is set by hand: how the demo school gets a past."""

import threading
from datetime import datetime

from pydantic import SecretStr

from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.kit.clock import SetClock


class ThreadClock:
    """A clock that every thread sets for itself: several people live through their days at once."""

    def __init__(self, at: datetime) -> None:
        self._start = SetClock(at)
        self._own = threading.local()

    def now(self) -> datetime:
        clock: SetClock = getattr(self._own, "clock", self._start)
        return clock.now()

    def set(self, at: datetime) -> None:
        """Set the time to `at`, for the calling thread."""
        self._own.clock = SetClock(at)


class Past:
    """A second backend over the same servers, whose time each thread sets."""

    def __init__(self, backend: Backend) -> None:
        self._clock = ThreadClock(backend.clock.now())
        self._backend = build(_same_servers(backend), clock=self._clock)

    def at(self, moment: datetime) -> Backend:
        """The services, for which it is now `moment`."""
        self._clock.set(moment)
        return self._backend

    def close(self) -> None:
        """Close the connections; the servers belong to the caller and keep running."""
        self._backend.close()


def _same_servers(backend: Backend) -> Settings:
    """Settings that name the servers in use, private ones too, so that nothing is started again."""
    if backend.servers is None:
        return backend.settings
    started = {"mongodb_uri": backend.servers.mongodb_uri, "redis_url": backend.servers.redis_url}
    return backend.settings.model_copy(update={name: SecretStr(uri) for name, uri in started.items() if uri})
