"""Data of earlier versions, as a start finds it, and migrations that only tests know."""

import tarfile
from collections.abc import Callable
from pathlib import Path

from backend.config import Settings
from backend.kit.archive import Archive, FolderStore, archives
from backend.kit.mongo.client import Mongo
from backend.migrations.queries import Data
from backend.migrations.runner import Migration

VERSION_1 = Path(__file__).parent / "version_1.tar.xz"
"""A backup of a small school by the last version that said no version of its data: three students, four days."""


def unpacked(folder: Path) -> str:
    """Put the backup of version 1 into a place of backups; its id."""
    with tarfile.open(VERSION_1) as packed:
        packed.extractall(folder, filter="data")
    (backup_id,) = archives(FolderStore(folder))
    return backup_id


def opened(settings: Settings) -> Mongo:
    """The database of these settings, as a process of no particular version sees it."""
    assert settings.mongodb_uri
    return Mongo(settings.mongodb_uri.get_secret_value(), settings.mongodb_database)


def load_version_1(mongo: Mongo, folder: Path) -> None:
    """Make the database what the last version before versions left behind."""
    Archive(FolderStore(folder), unpacked(folder)).load(mongo.database)


def step(version: int, migrate: Callable[[Data], None]) -> Migration:
    return Migration(version, f"v{version:04}_of_a_test", migrate)


def shout(data: Data) -> None:
    """Names in capitals, each with a count of how often it was changed."""
    data.update(
        "users",
        {"shouted": {"$exists": False}},
        lambda user: {"$set": {"name": user["name"].upper()}, "$inc": {"shouted": 1}},
    )
