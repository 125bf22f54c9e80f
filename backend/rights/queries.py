"""Every collection that knows of a person: read for her download, emptied of her; deletions asked for, tombstones."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from backend.accounts.queries import check_admin_left, keep_an_admin
from backend.kit.model import from_document, to_document
from backend.kit.mongo.client import Document, Mongo, translated
from backend.rights.holdings import HOLDINGS, NOT_SHOWN, Holding
from backend.rights.models import Deletion, OpenDeletion

PROFILES = "system.profile"
INDEXES = {"deletions": [IndexModel([("dueAt", ASCENDING)], name="due")]}


class RightsQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    # what is kept about somebody

    def documents(self, holding: Holding, user_id: str) -> Iterator[Document]:
        """The documents of one collection about her, with the fields that she may have, one at a time."""
        with translated():
            found = self._mongo[holding.collection].find({holding.field: user_id}).sort(holding.order, ASCENDING)
            for document in found:
                yield _shown(holding, document)

    def audited(self, user_id: str) -> Iterator[Document]:
        """What privileged people did with her account and data, oldest first; who it was by role alone."""
        wanted = {"targetId": user_id}
        fields = {"_id": 0, "at": 1, "act": 1, "actorRole": 1, "before": 1, "after": 1}
        with translated():
            yield from self._mongo["audit"].find(wanted, fields).sort("_id", ASCENDING)

    # deletions that were asked for

    def insert_deletion(self, session: ClientSession, deletion: Deletion) -> None:
        """Note it. Raises Conflict (by the transaction) where one was asked for already."""
        self._mongo["deletions"].insert_one(to_document(deletion), session=session)

    def remove_deletion(self, session: ClientSession, user_id: str) -> bool:
        """Whether there was one that can still be called off."""
        wanted = {"_id": user_id, "closedAt": None}
        return self._mongo["deletions"].delete_one(wanted, session=session).deleted_count > 0

    def deletion(self, user_id: str) -> Deletion | None:
        with translated():
            found = self._mongo["deletions"].find_one({"_id": user_id})
        return from_document(found, Deletion) if found else None

    def open_deletions(self) -> tuple[OpenDeletion, ...]:
        """All of them with the people, the next one first."""
        pipeline: list[Document] = [
            {"$sort": {"dueAt": 1, "_id": 1}},
            {"$lookup": {"from": "users", "localField": "_id", "foreignField": "_id", "as": "user"}},
            {"$unwind": "$user"},
        ]
        with translated():
            return tuple(
                OpenDeletion(
                    deletion=from_document(found, Deletion),
                    name=found["user"]["name"],
                    email=found["user"]["email"],
                    role=found["user"]["role"],
                )
                for found in self._mongo["deletions"].aggregate(pipeline)
            )

    def due(self, at: datetime) -> tuple[str, ...]:
        """Whose accounts are to be closed at `at`."""
        with translated():
            found = self._mongo["deletions"].find({"dueAt": {"$lte": at}, "closedAt": None}, {"_id": 1})
            return tuple(document["_id"] for document in found)

    def closed_before(self, at: datetime) -> tuple[str, ...]:
        """Who can be deleted: her account was closed so long ago that no process still believes in it."""
        with translated():
            return tuple(each["_id"] for each in self._mongo["deletions"].find({"closedAt": {"$lte": at}}, {"_id": 1}))

    def close(self, user_id: str, at: datetime) -> None:
        """Shut her out. Raises Conflict where no active administrator would be left."""

        def work(session: ClientSession) -> None:
            keep_an_admin(self._mongo, session)
            users = self._mongo["users"]
            users.update_one({"_id": user_id}, {"$set": {"isActive": False}}, session=session)
            check_admin_left(self._mongo, session)
            self._mongo["sessions"].delete_many({"userId": user_id}, session=session)
            self._mongo["deletions"].update_one({"_id": user_id}, {"$set": {"closedAt": at}}, session=session)

        self._mongo.transaction(work)

    def idle_since(self, at: datetime) -> tuple[str, ...]:
        """Students who have not signed in since `at` and whose deletion nobody asked for."""
        idle = {"role": "student", "isDemo": {"$ne": True}, "createdAt": {"$lt": at}}
        signed_in = {"$or": [{"lastSignInAt": None}, {"lastSignInAt": {"$lt": at}}]}
        with translated():
            asked = {document["_id"] for document in self._mongo["deletions"].find({}, {"_id": 1})}
            found = self._mongo["users"].find(idle | signed_in, {"_id": 1})
            return tuple(document["_id"] for document in found if document["_id"] not in asked)

    # deleting

    def erase(self, user_id: str, at: datetime, also: Callable[[ClientSession], None]) -> None:
        """Take her out of every collection and leave a tombstone, and do `also(session)`, all or nothing."""

        def work(session: ClientSession) -> None:
            for holding in HOLDINGS:
                self._mongo[holding.collection].delete_many({holding.field: user_id}, session=session)
            stone = {"$setOnInsert": {"at": at}}
            self._mongo["tombstones"].update_one({"_id": hashed(user_id)}, stone, upsert=True, session=session)
            also(session)

        self._mongo.transaction(work)

    def empty_profiles(self) -> bool:
        """Empty what the server's profiler noted, where somebody turned it on; whether this user may.

        It keeps whole commands, those of a deletion among them, and goes on as it was set.
        """
        database = self._mongo.database
        try:
            with translated():
                if PROFILES not in database.list_collection_names():
                    return True
                was = database.command("profile", 0)
                database.drop_collection(PROFILES)
                kept = {name: was[name] for name in ("slowms", "sampleRate", "filter") if name in was}
                database.command("profile", was["was"], **kept)
        except OperationFailure:
            return False
        return True

    def tombstones(self) -> tuple[str, ...]:
        """The hashed ids of everybody who was deleted here."""
        with translated():
            return tuple(document["_id"] for document in self._mongo["tombstones"].find({}, {"_id": 1}))

    def known_people(self) -> set[str]:
        """The ids of all that anything is kept about, with an account or without."""
        with translated():
            return {
                each["_id"]
                for holding in HOLDINGS
                for each in self._mongo[holding.collection].aggregate([{"$group": {"_id": f"${holding.field}"}}])
            }


def hashed(user_id: str) -> str:
    """What a tombstone keeps of a person: enough to know her again in an old backup, not to find out who she was."""
    return hashlib.sha256(f"tombstone:{user_id}".encode()).hexdigest()


def buried(people: Iterable[str], tombstones: Iterable[str]) -> tuple[str, ...]:
    """Those of these people who were deleted before."""
    stones = frozenset(tombstones)
    return tuple(sorted(each for each in people if hashed(each) in stones))


def _shown(holding: Holding, document: Document) -> Document:
    names = holding.shown or tuple(name for name in document if name not in NOT_SHOWN)
    return {name: document.get(name) for name in names}
