"""Data of another version: what is older is brought up once, after a backup, and what is newer is refused."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from backend import api_server, backup, rescue, upgrade, worker
from backend.bootstrap import build
from backend.config import Settings
from backend.errors import Unavailable
from backend.kit.clock import SetClock
from backend.kit.mongo import data_version
from backend.kit.mongo.client import Mongo
from backend.migrations import queries as migration_queries
from backend.migrations.queries import Data
from backend.migrations.runner import BASELINE, MIGRATIONS, VERSION, Bar, Migration, Migrations
from backend.progress.models import ProgressChange
from tests.classrooms.builders import save
from tests.journeys.running import launch
from tests.migrations.builders import load_version_1, opened, shout, step
from tests.school import NOON, PASSWORD, School
from tests.waiting import until

NAMES = {"Asha Admin", "Tara Teacher", "Sita Student", "José Díaz", "कमल शर्मा"}


@pytest.fixture
def mongo(own_settings: Settings) -> Iterator[Mongo]:
    """An empty database."""
    with closing(opened(own_settings)) as database:
        yield database


@pytest.fixture
def old(mongo: Mongo, tmp_path: Path) -> Mongo:
    """A database with data of version 1."""
    load_version_1(mongo, tmp_path / "version 1")
    return mongo


class Start:
    """What a start with migrations of a test says and shows."""

    def __init__(self, mongo: Mongo, *steps: Migration) -> None:
        self.migrations = Migrations(mongo, steps)
        self.backups = 0
        self.lines: list[str] = []
        self.shown: list[tuple[str, int, int]] = []

    def run(self) -> None:
        self.migrations.check()
        self.migrations.run(self._back_up, self.lines.append, self._bar)

    def _back_up(self) -> None:
        self.backups += 1

    @property
    def _bar(self) -> Bar:
        return lambda title: lambda done, total: self.shown.append((title, done, total))


def names(mongo: Mongo) -> set[str]:
    return set(mongo["users"].distinct("name"))


def test_numbers_are_without_a_gap() -> None:
    """Each migration leads to the version after the one before it, and says in a sentence what it does."""
    assert [each.version for each in MIGRATIONS] == list(range(BASELINE + 1, VERSION + 1))
    assert all(each.migrate.__doc__ for each in MIGRATIONS)


def test_data_of_the_first_version_opens(old: Mongo, own_settings: Settings, clock: SetClock) -> None:
    """A school kept by version 1 starts: people sign in, figures are theirs, and work goes on."""
    backend = build(own_settings, clock=clock)
    try:
        assert data_version.stored(old.database) == VERSION
        assert len(backend.backups.every()) == 1
        admin = School(backend).viewer(backend.sign_in.authenticate("admin@example.org", PASSWORD))
        assert [each.name for each in backend.administration.users(admin, search="diaz").users] == ["José Díaz"]
        user = backend.sign_in.authenticate("person2@example.org", PASSWORD)
        student = School(backend).viewer(user)
        assert user.name == "Sita Student"
        before = backend.overview.summary(student).total.solved
        assert before == 15
        save(backend, student, 5, "after the upgrade", ProgressChange(questions_delta=2))
        assert backend.overview.summary(student).total.solved == before + 2
    finally:
        backend.close()


def test_an_empty_database_is_of_this_version(mongo: Mongo) -> None:
    """Nothing is migrated or backed up where there is nothing."""
    start = Start(mongo, step(2, shout))
    start.run()
    assert (data_version.stored(mongo.database), start.backups, start.lines) == (2, 0, [])


def test_steps_run_in_order_after_one_backup(old: Mongo) -> None:
    """Each step finds what the one before left, once; a bar shows each; a second start has nothing to do."""
    seen: list[set[str]] = []
    start = Start(old, step(2, shout), step(3, lambda _data: seen.append(names(old))))
    start.run()
    assert seen == [{name.upper() for name in NAMES}]
    assert (data_version.stored(old.database), start.backups) == (3, 1)
    assert start.shown[-1] == ("v0002_of_a_test", len(NAMES), len(NAMES))
    again = Start(old, step(2, shout), step(3, lambda _data: seen.append(names(old))))
    again.run()
    assert (len(seen), again.backups) == (1, 0)


def test_without_a_backup_nothing_is_changed(old: Mongo) -> None:
    """A place of backups that is out of reach is told, and the data stays as it is."""

    def fails() -> None:
        raise Unavailable("The backup failed: the disk is full.")

    with pytest.raises(Unavailable, match=r"next start will continue.*the disk is full"):
        Migrations(old, [step(2, shout)]).run(fails, lambda _line: None, lambda _title: lambda _done, _total: None)
    assert names(old) == NAMES
    assert data_version.stored(old.database) is None


@pytest.mark.parametrize("stops_after", range(4))
def test_an_interrupted_step_goes_on(old: Mongo, monkeypatch: pytest.MonkeyPatch, stops_after: int) -> None:
    """Wherever a process died, the next one changes what is left, and no document twice."""
    monkeypatch.setattr(migration_queries, "BATCH", 2)

    def dies(data: Data) -> None:
        batches = iter(range(stops_after))

        def progress(_done: int, _total: int) -> None:
            if next(batches, None) is None:
                raise KeyboardInterrupt

        shout(Data(data._database, data._prefix, progress))

    for each in (dies, shout):
        start = Start(old, step(2, each))
        if each is dies and stops_after < 3:
            with pytest.raises(KeyboardInterrupt):
                start.run()
            assert data_version.stored(old.database) is None
        else:
            start.run()
    assert names(old) == {name.upper() for name in NAMES}
    assert old["users"].distinct("shouted") == [1]


def test_only_one_process_migrates(old: Mongo, own_settings: Settings) -> None:
    """Of processes that start together one does the work; the others say that they wait, and then go on."""
    goes_on, runs = threading.Event(), []

    def slow(_data: Data) -> None:
        runs.append(1)
        assert goes_on.wait(60)

    starts = [Start(old, step(2, slow)) for _process in range(3)]
    with ThreadPoolExecutor(3) as pool:
        ended = [pool.submit(each.run) for each in starts]
        until(lambda: sum("waiting for it" in "".join(each.lines) for each in starts) == 2)
        with closing(opened(own_settings)) as other, pytest.raises(Unavailable, match="restored or upgraded"):
            other.transaction(lambda _session: None)
        goes_on.set()
        for each in ended:
            each.result(60)
    assert (len(runs), sum(each.backups for each in starts)) == (1, 1)


def test_a_process_that_was_away_overwrites_nothing(old: Mongo) -> None:
    """One that comes back after another has gone on leaves both the data and its version as they are."""
    start = Start(old, step(2, lambda _data: loses_its_lease()), step(3, shout))

    def loses_its_lease() -> None:
        if data_version.stored(old.database) is None:
            taken = {"$set": {"owner": "another", "expiresAt": NOON}, "$inc": {"epoch": 1}}
            old["leases"].update_many({}, taken)
            Start(old, step(2, lambda _data: None), step(3, shout)).run()

    start.run()
    assert data_version.stored(old.database) == 3
    assert old["users"].distinct("shouted") == [1]


def test_a_process_of_an_earlier_version_stops_saving(old: Mongo, own_settings: Settings) -> None:
    """Once another process has brought the data up, one that still runs refuses to write in the old way."""
    assert own_settings.mongodb_uri
    running = Mongo(own_settings.mongodb_uri.get_secret_value(), own_settings.mongodb_database, newest_version=1)
    running.transaction(lambda _session: None)
    Start(old, step(2, shout)).run()

    def is_refused() -> bool:
        try:
            running.transaction(lambda _session: None)
        except Unavailable as error:
            return error.code == "newer_data"
        return False

    until(is_refused)
    running.close()


@pytest.fixture
def newer(mongo: Mongo, own_settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mongo:
    """Data of a version after this one, where the environment leads to it."""
    assert own_settings.mongodb_uri and own_settings.redis_url
    data_version.store(mongo.database, VERSION + 1)
    monkeypatch.setenv("MONGODB_URI", own_settings.mongodb_uri.get_secret_value())
    monkeypatch.setenv("REDIS_URL", own_settings.redis_url.get_secret_value())
    monkeypatch.setenv("MONGODB_DATABASE", own_settings.mongodb_database)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return mongo


def test_newer_data_is_refused_at_every_door(newer: Mongo, capsys: pytest.CaptureFixture[str]) -> None:
    """Worker, API, backup, rescue and upgrade say which versions they are, end with 1, and have written nothing."""
    doors: list[Callable[[], int]] = [
        lambda: worker.main([]),
        lambda: worker.main(["rebuild"]),
        lambda: api_server.main([]),
        lambda: backup.main(["list"]),
        lambda: rescue.main(["asha@example.org"]),
        lambda: upgrade.main([]),
    ]
    for door in doors:
        assert door() == 1
        said = capsys.readouterr().err
        assert f"The data is of version {VERSION + 1}, and this app reads up to version {VERSION}." in said
    assert newer.database.list_collection_names() == [data_version.COLLECTION]


def test_pages_do_not_start_on_newer_data(newer: Mongo, own_settings: Settings, tmp_path: Path) -> None:
    """`python app.py` says it and ends with 1, as whoever manages services expects."""
    uri, redis = own_settings.mongodb_uri, own_settings.redis_url
    assert uri and redis
    own = {"MONGODB_URI": uri.get_secret_value(), "REDIS_URL": redis.get_secret_value()}
    app = launch(tmp_path / "web", MONGODB_DATABASE=own_settings.mongodb_database, **own)
    assert app.process.wait(120) == 1
    assert f"this app reads up to version {VERSION}." in app.said
