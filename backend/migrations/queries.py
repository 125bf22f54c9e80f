"""The school's collections as a migration sees them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pymongo import ASCENDING, UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database

from backend.kit.mongo.client import Document

BATCH = 1000
Progress = Callable[[int, int], None]  # documents done, documents in all
Update = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Data:
    """The present collections, or those whose names begin with `prefix`: what a restore has loaded, or put away."""

    def __init__(self, database: Database[Document], prefix: str = "", progress: Progress | None = None) -> None:
        self._database = database
        self._prefix = prefix
        self._progress = progress

    def __getitem__(self, collection: str) -> Collection[Document]:
        return self._database[self._prefix + collection]

    def update(self, collection: str, undone: Document, change: Callable[[Document], Update]) -> None:
        """Update each document that matches `undone` by `change(document)`, after which it must match no more.

        So a migration that was interrupted goes on with what is left.
        """
        source, last, done = self[collection], None, 0
        total = source.count_documents(undone)
        while True:
            after = [{"_id": {"$gt": last}}] if done else []
            batch = list(source.find({"$and": [undone, *after]}).sort("_id", ASCENDING).limit(BATCH))
            if not batch:
                return
            changes = [UpdateOne({"$and": [{"_id": each["_id"]}, undone]}, change(each)) for each in batch]
            source.bulk_write(changes, ordered=False)
            last, done = batch[-1]["_id"], done + len(batch)
            if self._progress:
                self._progress(done, max(total, done))
