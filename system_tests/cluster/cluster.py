"""The whole cluster: databases, caches, processes with pages, with the API, with background work, and nginx before."""

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from subprocess import SubprocessError

from pydantic import SecretStr
from pymongo.errors import PyMongoError
from redis import RedisError

from backend import bootstrap
from backend.bootstrap import Backend
from backend.config import Settings
from backend.demo import open_school
from backend.errors import AppError
from deploy.nginx import program
from system_tests.cluster.app_process import Kind, Served, await_ready
from system_tests.cluster.mongo_set import MongoSet
from system_tests.cluster.nginx_process import Nginx
from system_tests.cluster.ports import free_port
from system_tests.cluster.process_reaper import Leash
from system_tests.cluster.valkey_set import ValkeySet

# Errors that are reported in one sentence if a cluster does not start or does not recover.
TROUBLE = (AppError, OSError, RuntimeError, ValueError, PyMongoError, RedisError, SubprocessError)
DATABASE = "chapter_performance"
LEARNERS, DAYS = 24, 30
FEW = 3
DRAIN_SECONDS = 4.0  # nginx keeps an idle connection to the app for half of it
SHORT_SECONDS = 3.0
LOOPBACK = "127.0.0.1/32"

Report = Callable[[str], None]


@dataclass(frozen=True)
class Given:
    """Servers that are there already, for a small cluster: two processes with pages and nginx."""

    mongodb_uri: str
    redis_url: str
    database: str


class Cluster:
    """Everything on this machine, as plain processes. A context; whatever it started ends with it.

    `settings` are environment variables for every process of the app, over those the cluster sets itself. With `given`
    it is small: those servers, and no processes for the API and the background work apart.
    """

    mongo: MongoSet
    valkey: ValkeySet
    worker: Served

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        settings: Mapping[str, str] | None = None,
        given: Given | None = None,
        report: Report = lambda _line: None,
    ) -> None:
        program()  # says what is missing before anything is started
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        self.folder = folder
        self._report = report
        self._given = given
        self.drain_seconds = SHORT_SECONDS if given else DRAIN_SECONDS
        self._chosen = dict(settings or {})
        self._leash = Leash()
        self._served: list[Served] = []
        self._close = ExitStack()
        self._close.callback(self._leash.end)
        try:
            self._start(port or free_port())
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def _start(self, port: int) -> None:
        self.port = port
        servers = self._given or self._servers()
        self.environment = self._environment(servers)
        self.backend = bootstrap.build(self.settings())
        self._close.callback(self.backend.close)
        self._report("Opening a small demo school …")
        open_school(self.backend, count=FEW if self._given else LEARNERS, days=FEW if self._given else DAYS)
        self._report("Starting the processes of the app …")
        self.web = {name: self.program("web", name) for name in ("a", "b")}
        self.api = {} if self._given else {"api": self.program("api", "api")}
        if not self._given:
            self.worker = self.program("worker", "worker")
        self.start(*self._apps())
        idle, web = self.drain_seconds / 2, self.addresses(self.web)
        self.nginx = Nginx(self.folder / "nginx", port, web, self.api_addresses(), idle, self._leash)
        self._close.callback(self.nginx.stop)
        self.nginx.start()

    def _servers(self) -> Given:
        self._report("Starting three MongoDB members and six Valkey nodes …")
        with ThreadPoolExecutor(2) as pool:
            mongo = pool.submit(MongoSet, self.folder / "mongodb")
            valkey = pool.submit(ValkeySet, self.folder / "valkey")
        for started in (mongo, valkey):  # also where the other one did not come up
            if started.exception() is None:
                self._close.callback(started.result().stop)
        self.mongo, self.valkey = mongo.result(), valkey.result()
        return Given(self.mongo.uri, self.valkey.url, DATABASE)

    def _apps(self) -> list[Served]:
        return [*self.web.values(), *self.api.values(), *([] if self._given else [self.worker])]

    def lead_to(self, web: Mapping[str, Served]) -> None:
        """Send people to these from now on; the others go on with what they have. They are `web` then."""
        self.nginx.lead_to(self.addresses(web), self.api_addresses())
        self.web = dict(web)

    def start(self, *served: Served) -> None:
        """Start these and wait until they serve; they end with the cluster. Raises as `await_ready`."""
        for each in served:
            self._served.append(each)
            self._close.callback(each.wait)
            each.start()
        await_ready(served)

    @property
    def url(self) -> str:
        """The address that people open."""
        return f"https://localhost:{self.port}"

    @staticmethod
    def addresses(served: Mapping[str, Served]) -> dict[str, str]:
        """Return the name and address of each process, for nginx."""
        return {name: each.address for name, each in served.items()}

    def api_addresses(self) -> Sequence[str]:
        """Return the addresses of the processes that serve the API without pages."""
        return [each.address for each in self.api.values()]

    def program(self, kind: Kind, name: str) -> Served:
        """Return one more process of the app, not started."""
        return Served(kind, name, free_port(), self.folder, self._leash, self.environment)

    def mend(self) -> None:
        """Thaw and start every process, and wait until all are healthy. Raises TimeoutError."""
        apps = self._apps()
        for each in apps:
            each.thaw()
        if not self._given:
            self.mongo.mend()
            self.valkey.mend()
        for each in apps:
            each.start()
        self.nginx.start()
        await_ready(apps)

    def settings(self) -> Settings:
        """Return the settings of the app's processes, for services in this process."""
        told = {name.lower(): value for name, value in self.environment.items()}
        hidden = {name: SecretStr(told.pop(name)) for name in ("mongodb_uri", "redis_url", "jwt_keys")}
        return Settings.model_validate({**told, **hidden})

    def built(self) -> Backend:
        """Return one more set of services, which the caller closes."""
        return bootstrap.build(self.settings())

    def programs(self) -> dict[str, int]:
        """Every process that runs, by name."""
        servers = () if self._given else (*self.mongo.members, *self.valkey.nodes)
        return {each.name: each.pid for each in (*self._apps(), *servers, self.nginx.process) if each.pid}

    def stop(self) -> None:
        """End everything, the processes of the app at the same time and in order. May be called again."""
        for each in self._served:
            each.end_soon()
        self._close.close()

    def _environment(self, servers: Given) -> dict[str, str]:
        return {
            "MONGODB_URI": servers.mongodb_uri,
            "MONGODB_DATABASE": servers.database,
            "REDIS_URL": servers.redis_url,
            "DATA_DIR": str(self.folder / "data"),
            "JWT_KEYS": f"cluster:{secrets.token_urlsafe(48)}",
            "PUBLIC_URL": self.url,
            "TRUSTED_PROXIES": LOOPBACK,
            "RATE_LIMIT_PROCESSES": "2" if self._given else "3",
            "DRAIN_SECONDS": str(self.drain_seconds),
            **self._chosen,
        }
