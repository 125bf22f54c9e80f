"""A restore brings back data of any earlier version, made one of this version; data of a later one is refused."""

from pathlib import Path

import pytest

from backend.backups.models import AT_TERMINAL
from backend.bootstrap import Backend
from backend.errors import Unavailable
from backend.kit.mongo import data_version
from backend.migrations.runner import VERSION, Migrations
from tests.migrations.builders import shout, step, unpacked
from tests.school import School

SHOUTED = {"ASHA ADMIN", "TARA TEACHER", "SITA STUDENT", "JOSÉ DÍAZ", "कमल शर्मा"}


@pytest.fixture
def backend(own_backend: Backend) -> Backend:
    """Over a database of its own: it is exchanged, and said to be of another version."""
    return own_backend


@pytest.fixture
def later(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """A backend of a later version, which knows one more migration."""
    migrations = Migrations(backend.mongo, [step(99, shout)])
    monkeypatch.setattr(backend.restores, "_migrations", migrations)
    monkeypatch.setattr(backend.mongo._write_block, "_newest_version", 99)
    data_version.store(backend.mongo.database, 99)
    return backend


def names(backend: Backend) -> set[str]:
    return set(backend.mongo["users"].distinct("name"))


def test_a_restored_school_is_of_this_version(later: Backend, school: School) -> None:
    """An archive from before versions comes back migrated, and what it replaced can still be had back."""
    school.admin()
    backup_id = unpacked(Path(later.settings.backup_place))
    later.restores.restore(AT_TERMINAL, backup_id=backup_id)
    assert names(later) == SHOUTED
    assert data_version.stored(later.mongo.database) == 99
    later.restores.roll_back(AT_TERMINAL)
    assert names(later) == {"Asha Admin"}
    assert data_version.stored(later.mongo.database) == 99


def test_what_was_put_away_before_an_upgrade_comes_back_migrated(backend: Backend, school: School) -> None:
    """A restore, then an upgrade, then the way back: the school from before both is of the new version too."""
    school.admin()
    backend.restores.restore(AT_TERMINAL, backup_id=unpacked(Path(backend.settings.backup_place)))
    steps = [step(99, shout)]
    backend.mongo._write_block._newest_version = 99
    Migrations(backend.mongo, steps).run(lambda: None, lambda _line: None, lambda _title: lambda _done, _total: None)
    backend.restores._migrations = Migrations(backend.mongo, steps)
    assert names(backend) == SHOUTED
    backend.restores.roll_back(AT_TERMINAL)
    assert names(backend) == {"ASHA ADMIN"}
    assert data_version.stored(backend.mongo.database) == 99


def test_an_archive_of_a_later_version_is_refused(backend: Backend, school: School) -> None:
    """Before anything is loaded, in a sentence with both versions; the present school stays as it is."""
    school.admin()
    backend.mongo._write_block._newest_version = 99
    data_version.store(backend.mongo.database, 99)
    backup_id = backend.backups.take().id
    data_version.store(backend.mongo.database, VERSION)
    with pytest.raises(Unavailable, match="The data is of version 99") as refused:
        backend.restores.restore(AT_TERMINAL, backup_id=backup_id)
    assert refused.value.code == "newer_data"
    assert not backend.mongo.database.list_collection_names(filter={"name": {"$regex": "^restoring_"}})
    assert names(backend) == {"Asha Admin"}
