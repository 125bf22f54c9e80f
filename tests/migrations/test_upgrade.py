"""`python -m backend.upgrade` on data of the first version: a backup first, a bar, and on again after a kill."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backend import upgrade
from backend.config import Settings
from backend.kit.archive import Archive, FolderStore, archives
from backend.kit.mongo import data_version
from backend.kit.mongo.client import Mongo
from backend.migrations.runner import VERSION
from tests.migrations.builders import load_version_1, opened
from tests.school import NOON

DIES = """
import os, signal, sys
from backend import terminal, upgrade
from backend.migrations import queries
queries.BATCH = 2
def dies(bar, done, total, doing=""):
    if bar._title.startswith(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
terminal.Bar.__call__ = dies
upgrade.main([])
"""


@pytest.fixture
def old(own_settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mongo]:
    """A school of version 1, where the environment leads to it."""
    assert own_settings.mongodb_uri and own_settings.redis_url
    monkeypatch.setenv("MONGODB_URI", own_settings.mongodb_uri.get_secret_value())
    monkeypatch.setenv("REDIS_URL", own_settings.redis_url.get_secret_value())
    monkeypatch.setenv("MONGODB_DATABASE", own_settings.mongodb_database)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    with closing(opened(own_settings)) as mongo:
        load_version_1(mongo, tmp_path / "version 1")
        yield mongo


def backups(tmp_path: Path) -> list[tuple[str, int]]:
    """Each backup that is whole, with how many people in it have the words of version 2."""
    store = FolderStore(tmp_path / "backups")
    found = []
    for each in archives(store):
        archive = Archive(store, each)
        (users,) = (file for file in archive.verify().collections if file.name == "users")
        found.append((each, sum("nameKey" in dict(user) for user in archive.documents(users))))
    return found


def test_older_data_is_brought_up_after_a_backup(
    old: Mongo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what it does, shows a bar for the backup and each step, and the backup holds the data of before."""
    assert upgrade.main([]) == 0
    said = capsys.readouterr().err
    assert "Taking a backup" in said and "Backup 100%" in said and "v0002_search_words_of_people 100%" in said
    assert said.strip().endswith(f"The data is of version {VERSION}.")
    assert data_version.stored(old.database) == VERSION
    assert [words for _id, words in backups(tmp_path)] == [0]

    assert upgrade.main([]) == 0
    said = capsys.readouterr().err
    assert "Taking a backup" not in said and said.strip().endswith(f"The data is of version {VERSION}.")
    assert len(backups(tmp_path)) == 1


@pytest.mark.parametrize(("dies_in", "done"), [("Backup", 0), ("v0002", 2)])
def test_an_upgrade_that_was_killed_goes_on(
    old: Mongo, tmp_path: Path, capsys: pytest.CaptureFixture[str], dies_in: str, done: int
) -> None:
    """Killed while the backup is taken or between two batches of a step, the next one ends it and loses nobody."""
    killed = subprocess.run([sys.executable, "-c", DIES, dies_in], env=os.environ, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert old["users"].count_documents({"nameKey": {"$exists": True}}) == done
    assert data_version.stored(old.database) is None
    assert len(backups(tmp_path)) == min(done, 1)

    old["leases"].update_many({}, {"$set": {"expiresAt": NOON}})  # as it is a minute later
    assert upgrade.main([]) == 0
    assert f"The data is of version {VERSION}." in capsys.readouterr().err
    assert old["users"].count_documents({"nameKey": {"$exists": True}}) == old["users"].count_documents({}) == 5
    assert backups(tmp_path)[0][1] == 0


def test_it_takes_no_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    """A word too many is refused with how it is called."""
    assert upgrade.main(["now"]) == 2
    assert "Usage: python -m backend.upgrade" in capsys.readouterr().err
