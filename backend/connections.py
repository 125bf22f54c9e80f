"""The resources that services need: keys, private servers, and clients of the servers."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from backend.config import Settings
from backend.errors import AppError, Unavailable
from backend.kit.breaker import Breaker
from backend.kit.cache import Cache
from backend.kit.clock import Clock
from backend.kit.embedded import Servers, start_servers
from backend.kit.events.hub import EventHub
from backend.kit.i18n import _
from backend.kit.limiter.limiter import Limiter
from backend.kit.mongo.client import Mongo
from backend.kit.observability.metrics import Registry
from backend.kit.redis import client as redis
from backend.kit.security.keys import MIN_SECRET_LENGTH, Key, KeyRing, kept_secret, parse_keys, unnamed
from backend.migrations.runner import VERSION

Report = Callable[[str], None]


def key_ring(settings: Settings) -> KeyRing:
    """The keys of this school: JWT_KEYS, then JWT_SECRET, else those kept in the data folder.

    Raises Unavailable if they are weak, or missing in production.
    """
    given = settings.jwt_secret.get_secret_value() if settings.jwt_secret else ""
    keys: list[Key] = []
    try:
        if settings.jwt_keys:
            keys = parse_keys(settings.jwt_keys.get_secret_value())
        if given:
            keys.append(unnamed(given))
        if not keys and not settings.is_production:
            keys = parse_keys(kept_secret(settings.data_dir / "secrets" / "jwt"))
        return KeyRing(keys)
    except ValueError as error:
        name = "JWT_KEYS" if settings.jwt_keys else "JWT_SECRET"
        words = _("{name} is missing or too weak: set it to at least {count} random characters ({reason}).")
        raise Unavailable(words.format(name=name, count=MIN_SECRET_LENGTH, reason=error)) from error


def private_servers(settings: Settings, report: Report) -> Servers | None:
    """Start the servers that no setting names; None if none is needed. Raises Unavailable, Conflict.

    If they are lost for good later, this process ends with status 1, so that its manager starts it again.
    """
    if settings.mongodb_uri and settings.redis_url:
        return None
    servers = start_servers(
        settings.data_dir, mongodb=settings.mongodb_uri is None, redis=settings.redis_url is None, report=report
    )

    def end() -> None:
        report(
            _(
                "The private servers have stopped, so the app stops too. Start it again; the log "
                "files in DATA_DIR say more."
            )
        )
        os._exit(1)  # nothing can be saved any more: to wait for what is under way would only put off the next start

    servers.watch(end)
    return servers


@dataclass(frozen=True)
class Setup:
    """The parts of a backend. What it opens registers its closing with `resources`, to be closed in reverse."""

    settings: Settings
    clock: Clock
    keys: KeyRing
    servers: Servers | None
    resources: ExitStack
    is_caching: bool


class Connections:
    """The open clients of the servers, and the listeners on them. Connects nothing yet.

    Raises Unavailable for an address that cannot be read.
    """

    def __init__(self, setup: Setup) -> None:
        settings, opened = setup.settings, setup.resources.callback
        self.servers = servers = setup.servers
        mongodb_uri = (
            settings.mongodb_uri.get_secret_value() if settings.mongodb_uri else servers and servers.mongodb_uri
        )
        redis_url = settings.redis_url.get_secret_value() if settings.redis_url else servers and servers.redis_url
        namespace = settings.mongodb_database
        self.settings = settings
        self.clock = setup.clock
        self.metrics = Registry()
        with _reading("MONGODB_URI"):
            self.mongo = Mongo(
                str(mongodb_uri),
                namespace,
                self.metrics,
                slow_seconds=settings.slow_operation_ms / 1000,
                newest_version=VERSION,
            )
        opened(self.mongo.close)
        with _reading("REDIS_URL"):
            self.redis_client = redis.connect(str(redis_url))
        opened(redis.disconnect, self.redis_client)
        self.cache = Cache(self.redis_client if setup.is_caching else None, namespace=namespace, truth=self.mongo)
        opened(self.cache.close)
        self.events = EventHub(self.redis_client, self.metrics, namespace=namespace)
        opened(self.events.close)
        self.limiter = Limiter(self.redis_client, namespace=namespace, processes=settings.rate_limit_processes)

    @property
    def breakers(self) -> Mapping[str, Breaker]:
        """The circuit breakers by server: "mongodb", "mongodb_reads", "redis"."""
        return {**self.mongo.breakers, redis.BREAKER: redis.breaker_of(self.redis_client)}


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Say which setting holds an address that its driver refuses. Raises Unavailable."""
    try:
        yield
    except AppError:
        raise
    except Exception as error:  # each driver has many of its own, and plain ValueErrors
        words = _("{name} is not a valid address: {reason}").format(name=name, reason=error)
        raise Unavailable(words) from error
