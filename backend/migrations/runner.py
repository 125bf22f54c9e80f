"""Brings the data up to this version of the app: in order, once among all processes, and after a backup."""

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from backend import migrations
from backend.errors import AppError, Unavailable
from backend.kit.i18n import _
from backend.kit.mongo import data_version, lease
from backend.kit.mongo.client import Mongo, new_id, translated
from backend.kit.mongo.guarded_client import without_timeout
from backend.kit.mongo.lease import LeaseLost, MongoLease
from backend.kit.observability import log
from backend.migrations.queries import Data, Progress

BASELINE = 1  # the data of every version that said none
LEASE, LEASE_SECONDS = "migrations", 60.0  # outlasts the block on writing of a process that died
LOOK_SECONDS = 1.0
Bar = Callable[[str], Progress]  # what shows the progress of a piece of work, by its title
_NAME = re.compile(r"v(\d{4})_\w+")

_log = log.get(__name__)


@dataclass(frozen=True)
class Migration:
    """`version` is that of the data afterwards."""

    version: int
    name: str
    migrate: Callable[[Data], None]


def found() -> tuple[Migration, ...]:
    """The migrations of this version of the app, in order."""
    names = sorted(each.name for each in iter_modules(migrations.__path__) if _NAME.fullmatch(each.name))
    return tuple(
        Migration(int(name[1:5]), name, import_module(f"{migrations.__name__}.{name}").migrate) for name in names
    )


MIGRATIONS = found()
VERSION = MIGRATIONS[-1].version if MIGRATIONS else BASELINE


class Migrations:
    """Those of one database. `steps` are those of this version of the app, unless a test has others."""

    def __init__(self, mongo: Mongo, steps: Sequence[Migration] = MIGRATIONS) -> None:
        self._mongo = mongo
        self._steps = steps
        self._newest = steps[-1].version if steps else BASELINE

    def check(self) -> None:
        """Say in an empty database of which version it is. Raises Unavailable where the data is newer than the app."""
        database = self._mongo.database
        if data_version.stored(database) is None and _is_empty(self._mongo):
            data_version.store(database, self._newest)
        self.refuse_newer(data_version.stored(database))

    def run(self, back_up: Callable[[], object], report: Callable[[str], None], bar: Bar) -> None:
        """Bring the present data up to this version, or wait until another process has.

        `back_up` is called before anything is changed. Raises Unavailable where a step fails: what was done stays, and
        the next start goes on.
        """
        is_told = False
        while self._version("") < self._newest:
            held = lease.acquire(self._mongo.database, LEASE, new_id(), LEASE_SECONDS)
            if held:
                with suppress(LeaseLost):  # this process was away for so long that another one goes on
                    self._run(held, back_up, report, bar)
                continue
            if not is_told:
                report(_("Another process is bringing the data up to this version; waiting for it …"))
                is_told = True
            time.sleep(LOOK_SECONDS)
        if data_version.stored(self._mongo.database) is None:
            data_version.store(self._mongo.database, self._newest)

    def migrate(self, prefix: str) -> None:
        """Bring the collections that a restore loaded, or put away, up to this version.

        Raises Unavailable where they are newer than the app.
        """
        self.refuse_newer(data_version.stored(self._mongo.database, prefix))
        self._take_steps(prefix, lambda _title: lambda _done, _total: None, lambda: None)
        data_version.store(self._mongo.database, self._newest, prefix)

    def refuse_newer(self, version: int | None) -> None:
        """Raises Unavailable ("newer_data") where data of this version is newer than the app."""
        if version is not None and version > self._newest:
            sentence = _(
                "The data is of version {version}, and this app reads up to version {newest}. Start a newer version of "
                "the app, or go back to a backup (docs/operations.md, Upgrade)."
            )
            raise Unavailable(sentence.format(version=version, newest=self._newest), code="newer_data")

    def _run(self, held: MongoLease, back_up: Callable[[], object], report: Callable[[str], None], bar: Bar) -> None:
        try:
            with held.renewed():
                if self._version("") >= self._newest:  # another process was faster
                    return
                report(_("The data is of an earlier version. Taking a backup, then bringing it up to this version …"))
                back_up()
                with self._mongo.writes_blocked():
                    self._take_steps("", bar, held.renew)
        except AppError as error:
            sentence = _(
                "The data could not be brought up to this version; the next start will continue. The reason: {reason}"
            )
            raise Unavailable(sentence.format(reason=error.message)) from error
        finally:
            held.release()

    def _take_steps(self, prefix: str, bar: Bar, check: Callable[[], None]) -> None:
        for step in self._steps:
            if step.version <= self._version(prefix):
                continue
            _log.info("migration_begins", migration=step.name, prefix=prefix)
            with translated(), without_timeout():
                step.migrate(Data(self._mongo.database, prefix, bar(step.name)))
            check()
            data_version.store(self._mongo.database, step.version, prefix)
            _log.info("migration_done", migration=step.name, prefix=prefix)

    def _version(self, prefix: str) -> int:
        return data_version.stored(self._mongo.database, prefix) or BASELINE


def _is_empty(mongo: Mongo) -> bool:
    with translated():
        return not set(mongo.database.list_collection_names()) - {lease.COLLECTION}
