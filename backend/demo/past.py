"""The product's own services at a time that is set by hand: how the demo school gets a past."""

from datetime import datetime

from pydantic import SecretStr

from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.kit.clock import SetClock


class Past:
    """A second backend over the same servers. One thread uses it at a time, because its time is one."""

    def __init__(self, backend: Backend) -> None:
        self._clock = SetClock(backend.clock.now())
        self._backend = build(_same_servers(backend), clock=self._clock)

    def at(self, moment: datetime) -> Backend:
        """The services, for which it is now `moment`."""
        self._clock.set(moment)
        return self._backend

    def close(self) -> None:
        """Let go of the connections; the servers are not ours to stop."""
        self._backend.close()


def _same_servers(backend: Backend) -> Settings:
    """Settings that name the servers in use, private ones too, so that nothing is started again."""
    if backend.servers is None:
        return backend.settings
    started = {"mongodb_uri": backend.servers.mongodb_uri, "redis_url": backend.servers.redis_url}
    return backend.settings.model_copy(update={name: SecretStr(uri) for name, uri in started.items() if uri})
