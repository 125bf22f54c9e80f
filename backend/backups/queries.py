"""Queries of backups besides the archive itself: their state, scratch databases, the exchange of a school's data."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from bson import Timestamp
from pymongo.database import Database

from backend.backups.models import Checks, Drill
from backend.errors import AppError, Conflict
from backend.kit.i18n import _
from backend.kit.model import from_document, to_document
from backend.kit.mongo import lease
from backend.kit.mongo.client import Document, Mongo, new_id, translated
from backend.kit.mongo.guarded_client import without_timeout
from backend.kit.mongo.lease import MongoLease

STATE, JOURNAL, FAILURE, DRILL, RESTORE = "backupState", "journal", "failure", "drill", "restore"
TAKING, TAKING_SECONDS = "taking:", 30.0
CHECKS = "checks:"
RESTORING, REPLACED = "restoring_", "replaced_"
_DRILLS = "_drill"


class BackupQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    @property
    def database(self) -> Database[Document]:
        """The school's own."""
        return self._mongo.database

    def scratch(self) -> Database[Document]:
        """An empty database beside the school's, for a drill."""
        name = self._mongo.database.name + _DRILLS
        with translated():
            self._mongo.client.drop_database(name)
        return self._mongo.client.get_database(name)

    def drop(self, scratch: Database[Document]) -> None:
        """Forget a scratch database."""
        with translated():
            self._mongo.client.drop_database(scratch.name)

    def counts(self) -> dict[str, int]:
        """How many documents each collection has, about."""
        with translated():
            names = self._mongo.database.list_collection_names()
            own = (name for name in names if not name.startswith((RESTORING, REPLACED)))
            return {name: self._mongo[name].estimated_document_count() for name in own}

    # what is remembered of backups

    def drill(self) -> Drill | None:
        """The last one."""
        found = self._state(DRILL)
        return from_document(found, Drill) if found else None

    def keep_drill(self, drill: Drill) -> None:
        """Remember it, as the last one and with its archive."""
        self._keep(DRILL, to_document(drill))
        self._note(drill.backup_id, {"drilledAt": drill.at, "drillProblems": list(drill.problems)})

    def keep_verified(self, backup_id: str, damage: str, at: datetime) -> None:
        """Remember that an archive was read again, and what was wrong with it."""
        self._note(backup_id, {"verifiedAt": at, "damage": damage})

    def checks(self) -> dict[str, Checks]:
        """Return the checks of archives, by archive id."""
        with translated():
            found = self._mongo[STATE].find({"_id": {"$regex": f"^{CHECKS}"}})
            known = (from_document(each | {"_id": each["_id"].removeprefix(CHECKS)}, Checks) for each in found)
            return {each.id: each for each in known}

    def forget_checks(self, backup_id: str) -> None:
        with translated():
            self._mongo[STATE].delete_one({"_id": CHECKS + backup_id})

    def people_since(self) -> datetime | None:
        """When the first account was made, about: ids begin with their time."""
        with translated():
            first = self._mongo["users"].find_one({}, {"createdAt": 1}, sort=[("_id", 1)])
        return first["createdAt"] if first else None

    # archives under way

    @contextmanager
    def taking(self, backup_id: str) -> Iterator[None]:
        """Say, while the block runs, that an archive is being taken. Where the process dies, it ends soon after."""
        held = self._lease(TAKING + backup_id, new_id(), TAKING_SECONDS)
        if held is None:
            raise Conflict(_("That exists already."))
        try:
            with held.renewed():
                yield
        finally:
            with suppress(AppError):  # it ends by itself
                held.release()

    def is_taken_now(self, backup_id: str) -> bool:
        """Whether a process is taking this archive."""
        return lease.holder(self.database, TAKING + backup_id) is not None

    def forget_taken(self) -> None:
        """Forget the leases of archives that nobody is taking any more."""
        over = {"_id": {"$regex": f"^{TAKING}"}, "$expr": {"$not": [lease.is_held()]}}
        with translated():
            self._mongo[lease.COLLECTION].delete_many(over)

    def failure(self) -> tuple[str, datetime] | None:
        """Why and when the last backup failed; None since one succeeded."""
        found = self._state(FAILURE)
        return (found["reason"], found["at"]) if found and found.get("reason") else None

    def keep_failure(self, reason: str, at: datetime) -> None:
        """Remember a failure; an empty reason forgets it."""
        self._keep(FAILURE, {"reason": reason, "at": at})

    def journal_place(self, place: str) -> tuple[Timestamp, Document | None] | None:
        """Up to when the journal at `place` is written, and from where the stream goes on."""
        found = self._state(JOURNAL)
        return (found["until"], found.get("token")) if found and found.get("place") == place else None

    def begin_journal(self, place: str, since: Timestamp) -> tuple[Timestamp, Document | None]:
        """The journal at `place` begins at `since`, unless it has begun already: then where it is."""
        begun = self.journal_place(place)
        if begun is None:
            other = {"_id": JOURNAL, "place": {"$ne": place}}
            with translated():
                self._mongo[STATE].delete_one(other)
                self._mongo[STATE].update_one(
                    {"_id": JOURNAL}, {"$setOnInsert": {"place": place, "until": since, "token": None}}, upsert=True
                )
            begun = self.journal_place(place)
        return begun or (since, None)

    def keep_journal_place(self, place: str, until: Timestamp, token: Document | None) -> None:
        self._keep(JOURNAL, {"place": place, "until": until, "token": token})

    def lead_journal(self, owner: str, seconds: float) -> bool:
        """Whether `owner` writes the journal for the next `seconds`. Two at once would do no harm, only work twice."""
        return self._lease(JOURNAL, owner, seconds) is not None

    def cluster_time(self) -> Timestamp:
        """The server's present."""
        with translated():
            answer = self._mongo.client.admin.command("hello")
        known = answer.get("$clusterTime", {}).get("clusterTime")  # a server that has just begun may not say it yet
        moment: Timestamp = known or answer["lastWrite"]["opTime"]["ts"]
        return moment

    # the change of a whole school

    def begin_restore(self, seconds: float) -> MongoLease | None:
        """The lease of a restore, for `seconds` unless it is renewed; None while another one is under way."""
        return self._lease(RESTORE, new_id(), seconds)

    def clear_restoring(self) -> None:
        """Forget what an earlier restore left half made."""
        self._drop_all(RESTORING)

    def swap_in(self, names: Iterable[str], leave: Iterable[str]) -> None:
        """Put every `restoring_…` collection in the place of the present one, which becomes `replaced_…`.

        Present ones that the archive does not know are put away too, except those to `leave`. May be run again after
        it was interrupted.
        """
        self._exchange(set(names), set(leave), incoming=RESTORING, outgoing=REPLACED)

    def loaded(self) -> set[str]:
        """The names of what a restore has loaded, to be swapped in."""
        with translated():
            return self._named(RESTORING)

    def replaced(self) -> set[str]:
        """The names of what the last restore put away."""
        with translated():
            return self._named(REPLACED)

    def beside(self) -> frozenset[str]:
        """Collections that stand beside the school's own: what a restore loads, and what one put away."""
        with translated():
            found = self._mongo.database.list_collection_names(filter={"type": "collection"})
        return frozenset(each for each in found if each.startswith((RESTORING, REPLACED)))

    def forget_replaced(self) -> None:
        """Give up the way back of an earlier restore."""
        self._drop_all(REPLACED)

    def swap_back(self, leave: Iterable[str]) -> None:
        """Put every `replaced_…` collection back; what stood in its place is dropped."""
        with translated():
            replaced = self._named(REPLACED)
            here = self._present() - set(leave)
            for name in sorted(here - replaced):
                self._mongo[name].drop()
            for name in sorted(replaced):
                self._mongo[REPLACED + name].rename(name, dropTarget=True)

    def _exchange(self, names: set[str], leave: set[str], *, incoming: str, outgoing: str) -> None:
        with translated(), without_timeout():
            for name in sorted((self._present() | names) - leave):
                waiting = self._mongo[incoming + name]
                if self._exists(name) and not self._exists(outgoing + name):
                    self._mongo[name].rename(outgoing + name)
                if self._exists(waiting.name):
                    waiting.rename(name, dropTarget=True)

    def _present(self) -> set[str]:
        found = self._mongo.database.list_collection_names(filter={"type": "collection"})
        return {each for each in found if not each.startswith((RESTORING, REPLACED, "system."))}

    def _named(self, prefix: str) -> set[str]:
        found = self._mongo.database.list_collection_names(filter={"name": {"$regex": f"^{prefix}"}})
        return {each.removeprefix(prefix) for each in found}

    def _exists(self, name: str) -> bool:
        return bool(self._mongo.database.list_collection_names(filter={"name": name}))

    def _drop_all(self, prefix: str) -> None:
        with translated():
            for name in self._named(prefix):
                self._mongo[prefix + name].drop()

    def _lease(self, name: str, owner: str, seconds: float) -> MongoLease | None:
        return lease.acquire(self.database, name, owner, seconds)

    def _note(self, backup_id: str, fields: Document) -> None:
        with translated():
            self._mongo[STATE].update_one({"_id": CHECKS + backup_id}, {"$set": fields}, upsert=True)

    def _state(self, key: str) -> Document | None:
        with translated():
            return self._mongo[STATE].find_one({"_id": key})

    def _keep(self, key: str, fields: Document) -> None:
        with translated():
            self._mongo[STATE].replace_one({"_id": key}, fields, upsert=True)


def disagreements(database: Database[Document]) -> tuple[str, ...]:
    """Return disagreements between figures that must always agree, in English, for the person who investigates.

    The progress of each student, and that on each chapter, is the sum of its activity; both are saved together.
    """
    found = []
    with translated(), without_timeout():
        for by in ("studentId", "chapterId"):
            kept, summed = _sums(database, "progress", by, _OF_PROGRESS), _sums(database, "activity", by, _OF_ACTIVITY)
            differing = [key for key in kept.keys() | summed.keys() if kept.get(key) != summed.get(key)]
            if differing:
                found.append(f"progress is not the sum of activity for {len(differing)} of {by}, as {differing[0]}")
    return tuple(found)


_OF_PROGRESS: Document = {
    "solved": {"$sum": "$questionSolved"},
    "completed": {"$sum": {"$cond": [{"$eq": ["$status", "Completed"]}, 1, 0]}},
    "inProgress": {"$sum": {"$cond": [{"$eq": ["$status", "In Progress"]}, 1, 0]}},
    "weak": {"$sum": {"$cond": ["$isWeakChapter", 1, 0]}},
}
_OF_ACTIVITY: Document = {name: {"$sum": f"$deltas.{name}"} for name in _OF_PROGRESS}


def _sums(database: Database[Document], collection: str, by: str, sums: Document) -> dict[Any, Document]:
    """Figures by student or chapter; those that are 0 throughout are as good as none."""
    found = database[collection].aggregate([{"$group": {"_id": f"${by}", **sums}}], allowDiskUse=True)
    return {each.pop("_id"): each for each in found if any(each[name] for name in sums)}
