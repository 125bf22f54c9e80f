"""From settings to a running Backend. backend/wiring builds its services, group by group."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from backend.audit.queries import AuditQueries
from backend.chapters.catalogue import catalogue
from backend.config import Settings
from backend.connections import Report, Setup, key_ring, private_servers
from backend.errors import Unavailable
from backend.kit import open_files
from backend.kit.archive import summed
from backend.kit.clock import Clock, SystemClock
from backend.kit.i18n import _
from backend.kit.observability import malloc, tracing
from backend.migrations.runner import Bar, Migrations
from backend.wiring.indexes import INDEXES
from backend.wiring.operations import OperationServices
from backend.wiring.tracing import instrument

__all__ = ["INDEXES", "Backend", "build"]


class Backend(OperationServices):
    """The services that pages, API and commands call, and the resources that are opened and closed with them."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._resources = setup.resources

    def start(self, report: Report, bar: Bar) -> None:
        """Bring the data up to this version after a backup, create indexes, load the catalogue, begin to listen."""
        with _named(self.settings):
            self.mongo.check_server()
        migrations = Migrations(self.mongo)
        migrations.check()
        AuditQueries(self.mongo).prepare()

        def back_up() -> None:
            show = bar(_("Backup"))
            total = self.backups.present_documents()
            self.backups.take(on_progress=summed(lambda done, expected, _name: show(done, expected), total))

        migrations.run(back_up, report, bar)
        with _named(self.settings):
            for each in INDEXES:
                self.mongo.ensure_indexes(each)
        self.cache.start()
        self.events.start()
        added = self.chapters.load(catalogue)
        if added:
            report(_("{count} chapters loaded into the catalogue.").format(count=added))
        self.sign_in.shut_demo_out()
        self.second_factor.reseal()
        if self.settings.traces_url:
            instrument(self, self.redis_client)
        self.limits.start()

    def close(self) -> None:
        """Close all resources, the last opened first; private servers stop last."""
        self._resources.close()


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    report: Report = lambda _line: None,
    bar: Bar = lambda _title: lambda _done, _total: None,
    is_caching: bool = True,
) -> Backend:
    """A running backend: private servers where none are configured, data of this version, indexes, the catalogue.

    `bar` gives what shows how far a migration is. Without `is_caching` every read asks the database, which benchmarks
    compare. Raises Unavailable or Conflict with a sentence that says what to do.
    """
    malloc.keep_little()
    open_files.raise_limit()
    if settings.traces_url:
        tracing.check()
    keys = key_ring(settings)
    resources = ExitStack()
    try:
        servers = private_servers(settings, report)
        if servers:
            resources.callback(servers.stop)
        backend = Backend(Setup(settings, clock or SystemClock(), keys, servers, resources, is_caching))
        report(_("Preparing the database …"))
        backend.start(report, bar)
    except BaseException:  # what is open when something fails is closed again
        resources.close()
        raise
    return backend


@contextmanager
def _named(settings: Settings) -> Iterator[None]:
    """Name the setting of the database in an error about its connection."""
    try:
        yield
    except Unavailable as error:
        if settings.mongodb_uri is None:
            raise
        raise Unavailable(
            _("MONGODB_URI leads to no usable database: {reason}").format(reason=error.message)
        ) from error
