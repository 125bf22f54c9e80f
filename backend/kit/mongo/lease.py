"""Leases in MongoDB: a right that one owner at a time has among all processes.

All times are the database server's, so the clocks of the app's machines need not agree. Each lease says how long it
is; one that ends later than that from now was written by a clock that ran ahead, and counts as over.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.database import Database

from backend.errors import AppError
from backend.kit.mongo.errors import translated
from backend.kit.observability import log

COLLECTION = "leases"
CLOCK_DIFFERENCE_SECONDS = 5.0  # by which the clocks of the database's members may differ when one follows another
RENEWALS = 3  # within the length of a lease

Document = dict[str, Any]
_log = log.get(__name__)


class LeaseLost(Exception):
    """Another owner has the lease now: what was done under it must not be written any more."""


@dataclass(frozen=True)
class MongoLease:
    """A lease that was acquired. `epoch` rises with every change of the owner: writes are fenced by it."""

    database: Database[Document]
    name: str
    owner: str
    epoch: int
    seconds: float

    def renew(self, told: Mapping[str, Any] | None = None) -> None:
        """Have it for its whole length again, keeping the expressions `told` beside it. Raises LeaseLost."""
        with translated():
            kept = self.database[COLLECTION].update_one(self._own, [{"$set": {**_term(self.seconds), **(told or {})}}])
        if kept.matched_count == 0:
            raise LeaseLost(self.name)

    def release(self) -> None:
        """Let another owner have it at once. Does nothing where another one has it already."""
        with translated():
            self.database[COLLECTION].update_one(self._own, [{"$set": {"expiresAt": "$$NOW"}}])

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew it from a thread until the block ends; afterwards it runs on for what is left of its length.

        What goes wrong is logged and tried again; where another owner has it, the thread ends.
        """
        done = threading.Event()
        thread = threading.Thread(target=self._renew_until, args=(done,), name=f"lease-{self.name}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _renew_until(self, done: threading.Event) -> None:
        while not done.wait(self.seconds / RENEWALS):
            try:
                self.renew()
            except LeaseLost:
                _log.warning("lease_lost", lease=self.name, owner=self.owner)
                return
            except Exception as error:  # noqa: BLE001 - the next time may succeed, whatever it was
                _log.warning("lease_not_renewed", lease=self.name, error=str(error), exc_info=_is_strange(error))

    @property
    def _own(self) -> Document:
        return {"_id": self.name, "owner": self.owner, "epoch": self.epoch}


def acquire(database: Database[Document], name: str, owner: str, seconds: float) -> MongoLease | None:
    """The lease `name`, for `owner` and `seconds`; None while another owner has it. Its own owner renews it so."""
    leases = database[COLLECTION]
    is_own = {"$eq": ["$owner", owner]}
    is_now = is_held(seconds={"$ifNull": ["$seconds", seconds]})
    epoch = {"$cond": [{"$and": [is_own, is_now]}, "$epoch", {"$add": [{"$ifNull": ["$epoch", 0]}, 1]}]}
    with translated():
        leases.update_one(
            {"_id": name},
            {"$setOnInsert": {"owner": None, "epoch": 0, "expiresAt": datetime.fromtimestamp(0, UTC)}},
            upsert=True,
        )
        found = leases.find_one_and_update(
            {"_id": name, "$expr": {"$or": [is_own, {"$not": [is_now]}]}},
            [{"$set": {"owner": owner, "epoch": epoch, **_term(seconds)}}],
            return_document=ReturnDocument.AFTER,
        )
    return MongoLease(database, name, owner, int(found["epoch"]), seconds) if found else None


def holder(database: Database[Document], name: str) -> str | None:
    """The owner who has the lease `name` at this moment, if any."""
    with translated():
        found = database[COLLECTION].find_one({"_id": name, "$expr": is_held()}, {"owner": 1})
    return found["owner"] if found else None


def ends_in(seconds: float) -> Document:
    """The expression for the end of a lease that begins now."""
    return {"$add": ["$$NOW", int(seconds * 1000)]}


def is_held(ends_at: str = "$expiresAt", seconds: Any = "$seconds") -> Document:
    """The expression for whether a lease stands at this moment: `seconds` is the length that it has when it is new."""
    left = {"$subtract": [ends_at, "$$NOW"]}
    longest = {"$multiply": [{"$add": [seconds, CLOCK_DIFFERENCE_SECONDS]}, 1000]}
    return {"$and": [{"$gt": [left, 0]}, {"$lte": [left, longest]}]}


def _term(seconds: float) -> Document:
    return {"expiresAt": ends_in(seconds), "seconds": seconds}


def _is_strange(error: Exception) -> bool:
    return not isinstance(error, AppError)
