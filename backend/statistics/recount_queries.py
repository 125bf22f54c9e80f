"""The sum of all activity as of one moment, in pieces, with a progress report after each.

Every piece reads the same snapshot, so the sum is the same as of one reading, whatever is saved meanwhile."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pymongo
from bson import Timestamp

from backend.kit.mongo.client import Document, Mongo, translated

PIECE = 50_000
SECONDS = 240.0  # within the 300 s for which a server keeps a snapshot

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much (an estimate until the end)."""


def unseen(_done: int, _total: int) -> None:
    """Ignore the progress."""


class Recount:
    """The sums of several groupings, by their name, and the moment as of which they are true."""

    def __init__(self, groups: Mapping[str, Sequence[Document]]) -> None:
        self._groups = groups
        self._sums: dict[str, dict[Any, Document]] = {name: {} for name in groups}
        self._last: Any = None
        self.moment: Timestamp | None = None
        self.done = 0

    def run(self, mongo: Mongo, progress: Progress = unseen) -> None:
        """Read everything. Raises Unavailable where it takes longer than a server keeps a snapshot."""
        with translated(), pymongo.timeout(SECONDS):
            total = mongo["activity"].estimated_document_count()
            progress(0, total)
            while self._read_piece(mongo) == PIECE:
                progress(self.done, max(self.done, total))
        progress(self.done, self.done)

    def sums(self, name: str) -> list[Document]:
        """The documents of one grouping."""
        return list(self._sums[name].values())

    def _read_piece(self, mongo: Mongo) -> int:
        command = {
            "aggregate": "activity",
            "pipeline": self._pipeline(),
            "cursor": {},
            "readConcern": {"level": "snapshot", **({"atClusterTime": self.moment} if self.moment else {})},
            "allowDiskUse": True,
        }
        cursor = mongo.database.command(command)["cursor"]
        self.moment = cursor["atClusterTime"]
        (found,) = cursor["firstBatch"]
        for name in self._groups:
            self._add(name, found[name])
        end = found["end"][0] if found["end"] else {"count": 0, "last": self._last}
        self._last = end["last"]
        self.done += end["count"]
        return int(end["count"])

    def _pipeline(self) -> list[Document]:
        """One piece is read once, and grouped in every way."""
        after = [{"$match": {"_id": {"$gt": self._last}}}] if self._last is not None else []
        end = {"$group": {"_id": None, "last": {"$max": "$_id"}, "count": {"$sum": 1}}}
        facets = {**{name: list(stages) for name, stages in self._groups.items()}, "end": [end]}
        return [*after, {"$sort": {"_id": 1}}, {"$limit": PIECE}, {"$facet": facets}]

    def _add(self, name: str, found: Sequence[Document]) -> None:
        sums = self._sums[name]
        for each in found:
            known = sums.setdefault(each["_id"], {"_id": each["_id"]})
            for field, value in each.items():
                if field != "_id":
                    known[field] = known.get(field, 0) + value
