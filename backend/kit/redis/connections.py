"""Connections to Redis that keep the caller's deadline; the commands sent over them belong elsewhere.

A connection on which a wait ended too early is closed: the answer that comes late must not be taken for the next one.
"""

from typing import Any

from redis import BlockingConnectionPool, Connection, SSLConnection
from redis.connection import AbstractConnection, UnixDomainSocketConnection
from redis.exceptions import TimeoutError
from redis.utils import SENTINEL

from backend.kit import deadline

_LEAST_SECONDS = 0.001  # to a socket 0.0 means not to wait at all, and another kind of error


class TooLate(TimeoutError):
    """Redis was not asked: the caller's deadline had passed."""


def heed_deadline() -> None:
    """Raises TooLate where the caller's time is over."""
    left = deadline.remaining()
    if left is not None and left <= 0:
        raise TooLate("the deadline was over before the call")


class _Heeding(AbstractConnection):
    """To be put before a kind of connection: opening, sending and reading end with the deadline."""

    _sock: Any = None

    @property
    def socket_timeout(self) -> float | None:
        """While a connection is opened (and encrypted) what is left; the driver keeps what it reads once it is open."""
        return self._socket_timeout if self._sock else _shrunk(self._socket_timeout)

    @socket_timeout.setter
    def socket_timeout(self, seconds: float | None) -> None:
        self._socket_timeout = seconds

    @property
    def socket_connect_timeout(self) -> float | None:
        return _shrunk(self._socket_connect_timeout)

    @socket_connect_timeout.setter
    def socket_connect_timeout(self, seconds: float | None) -> None:
        self._socket_connect_timeout = seconds

    def connect_check_health(self, *args: Any, **options: Any) -> None:
        if not self._sock:
            heed_deadline()
        super().connect_check_health(*args, **options)

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        if not self._sock:
            self.connect_check_health(check_health=False)
        self._sock.settimeout(_shrunk(self._socket_timeout))
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]  # redis-py's

    def read_response(self, *args: Any, timeout: Any = SENTINEL, **options: Any) -> Any:
        if timeout is SENTINEL and deadline.remaining() is not None:
            timeout = _shrunk(self._socket_timeout)
        return super().read_response(*args, timeout=timeout, **options)


class _Plain(_Heeding, Connection): ...


class _Encrypted(_Heeding, SSLConnection): ...


class _Local(_Heeding, UnixDomainSocketConnection): ...


_HEEDING: dict[Any, Any] = {
    Connection: _Plain,
    SSLConnection: _Encrypted,
    UnixDomainSocketConnection: _Local,
}


class HeedingPool(BlockingConnectionPool):
    """A pool of such connections, for one of which nobody waits longer than till the deadline either."""

    def __init__(self, *, connection_class: Any = Connection, **settings: Any) -> None:
        heeding = _HEEDING[connection_class]
        super().__init__(connection_class=heeding, **settings)  # type: ignore[no-untyped-call]  # redis-py's

    @property
    def timeout(self) -> float | None:
        """How long the driver waits for a free connection."""
        return _shrunk(self._timeout)

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._timeout = seconds


def without_timeout(pool: HeedingPool) -> Any:
    """The kind of the pool's connections that heeds no deadline, for calls that wait on purpose."""
    return next(plain for plain, heeding in _HEEDING.items() if pool.connection_class is heeding)


def _shrunk(seconds: float | None) -> float | None:
    """`seconds`, or what is left of the caller's time where that is less."""
    left = deadline.remaining()
    if left is None:
        return seconds
    return max(_LEAST_SECONDS, left if seconds is None else min(seconds, left))
