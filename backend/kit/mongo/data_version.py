"""Which version of the data a database holds: a number that stands in it, and is backed up and restored with it."""

from typing import Any

from pymongo.database import Database

from backend.kit.mongo.errors import translated

COLLECTION, _ID = "schema", "schema"

Document = dict[str, Any]


def stored(database: Database[Document], prefix: str = "") -> int | None:
    """The version of the collections whose names begin with `prefix`; None where nothing says it."""
    with translated():
        found = database[prefix + COLLECTION].find_one({"_id": _ID})
    return version_of(found)


def store(database: Database[Document], version: int, prefix: str = "") -> None:
    """Say that the collections whose names begin with `prefix` are of this version."""
    with translated():
        database[prefix + COLLECTION].update_one({"_id": _ID}, {"$set": {"version": version}}, upsert=True)


def version_of(document: Document | None) -> int | None:
    """The version that a document of the collection says."""
    return int(document["version"]) if document and "version" in document else None
