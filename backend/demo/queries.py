"""The one document of its own that the demo school has: whether it is being made, and with which numbers."""

from datetime import datetime

from backend.errors import Conflict
from backend.kit.model import Shape, from_document, to_document
from backend.kit.mongo.client import Mongo, translated

_ONLY = "school"


class Opened(Shape, frozen=True, kw_only=True):
    """A demo school. `touched_at` moves while somebody works on it; `finished_at` says that it is whole."""

    id: str = _ONLY
    seed: int
    learners: int
    days: int
    opened_at: datetime
    touched_at: datetime | None = None
    finished_at: datetime | None = None


class DemoQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._collection = mongo["demo"]

    def opened(self) -> Opened | None:
        """The demo school of this database, wherever it stands."""
        with translated():
            found = self._collection.find_one({"_id": _ONLY})
        return from_document(found, Opened) if found else None

    def begin(self, opened: Opened) -> bool:
        """Note that the school is being made; False where somebody else began first."""
        try:
            with translated():
                self._collection.insert_one(to_document(opened))
        except Conflict:
            return False
        return True

    def take_over(self, opened: Opened, at: datetime) -> bool:
        """Carry on with a school left unfinished; False where somebody else was quicker."""
        with translated():
            result = self._collection.update_one(
                {"_id": _ONLY, "touchedAt": opened.touched_at, "finishedAt": None}, {"$set": {"touchedAt": at}}
            )
        return result.modified_count == 1

    def touch(self, at: datetime) -> None:
        """Store that the work continues."""
        with translated():
            self._collection.update_one({"_id": _ONLY}, {"$set": {"touchedAt": at}})

    def finish(self, at: datetime) -> None:
        """The school is whole."""
        with translated():
            self._collection.update_one({"_id": _ONLY}, {"$set": {"finishedAt": at, "touchedAt": at}})

    def let_go(self, *, forget: bool) -> None:
        """Leave it for another process to continue, or delete it if nothing was made yet."""
        with translated():
            if forget:
                self._collection.delete_one({"_id": _ONLY})
            else:
                self._collection.update_one({"_id": _ONLY}, {"$set": {"touchedAt": None}})
