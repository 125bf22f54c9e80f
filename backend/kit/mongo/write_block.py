"""A hold on writing that every process obeys, while the database is exchanged under them."""

from time import monotonic
from typing import Any

from pymongo.database import Database
from pymongo.errors import PyMongoError

from backend.errors import Unavailable
from backend.kit.i18n import _

LOOK_SECONDS = 1.0
KNOWN_SECONDS = 2.5  # by then every process has looked, and what it had begun is done or refused
_COLLECTION, _KEY = "leases", "writeHold"


class WriteHold:
    """Looked at once a second at most, and only by those who write. It ends by itself at its time."""

    def __init__(self, database: Database[dict[str, Any]]) -> None:
        self._database = database
        self._looked_at = float("-inf")
        self._is_held = False

    def check(self) -> None:
        """Raises Unavailable ("read_only") while a hold is on."""
        if monotonic() - self._looked_at >= LOOK_SECONDS:
            self._look()
        if self._is_held:
            raise Unavailable(
                _("The school is being restored from a backup. Nothing was saved; please try again in a minute."),
                code="read_only",
            )

    def begin(self, seconds: float) -> None:
        until = {"$add": ["$$NOW", int(seconds * 1000)]}
        self._database[_COLLECTION].update_one({"_id": _KEY}, [{"$set": {"expiresAt": until}}], upsert=True)
        self._look()

    def end(self) -> None:
        self._database[_COLLECTION].delete_one({"_id": _KEY})
        self._look()

    def _look(self) -> None:
        wanted = {"_id": _KEY, "$expr": {"$gt": ["$expiresAt", "$$NOW"]}}
        self._looked_at = monotonic()
        try:
            self._is_held = self._database[_COLLECTION].find_one(wanted) is not None
        except PyMongoError:  # the write itself says what is wrong
            self._is_held = False
