"""All data of a person: read for the download, and deleted. The collections deletions and tombstones."""

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
        """Yield the documents of one collection about a person, with the fields that they may read."""
        with translated():
            found = self._mongo[holding.collection].find({holding.field: user_id}).sort(holding.order, ASCENDING)
            for document in found:
                yield _shown(holding, document)

    def audited(self, user_id: str) -> Iterator[Document]:
        """Yield the acts of privileged people on a person's account and data, oldest first; actors by role only."""
        wanted = {"targetId": user_id}
        fields = {"_id": 0, "at": 1, "act": 1, "actorRole": 1, "before": 1, "after": 1}
        with translated():
            yield from self._mongo["audit"].find(wanted, fields).sort("_id", ASCENDING)

    # deletions that were asked for

    def insert_deletion(self, session: ClientSession, deletion: Deletion) -> None:
        """Note it. Raises Conflict (by the transaction) where one was asked for already."""
        self._mongo["deletions"].insert_one(to_document(deletion), session=session)

    def remove_deletion(self, session: ClientSession, user_id: str) -> bool:
        """Remove a deletion that can still be called off; return whether there was one."""
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
        """Return the ids of the accounts that are to be closed at `at`."""
        with translated():
            found = self._mongo["deletions"].find({"dueAt": {"$lte": at}, "closedAt": None}, {"_id": 1})
            return tuple(document["_id"] for document in found)

    def closed_before(self, at: datetime) -> tuple[str, ...]:
        """Return the ids of the accounts that were closed at `at` or before."""
        with translated():
            return tuple(each["_id"] for each in self._mongo["deletions"].find({"closedAt": {"$lte": at}}, {"_id": 1}))

    def close(self, user_id: str, at: datetime) -> None:
        """Close an account and end its sessions. Raises Conflict if no active administrator would be left."""

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
        """Delete a person from every collection, leave a tombstone and do `also(session)`, all or nothing."""

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
        """Return the ids of all people with any data here, with an account or without."""
        with translated():
            return {
                each["_id"]
                for holding in HOLDINGS
                for each in self._mongo[holding.collection].aggregate([{"$group": {"_id": f"${holding.field}"}}])
            }


def hashed(user_id: str) -> str:
    """Return the hash in a tombstone: it matches a person in an old backup, but does not reveal who they were."""
    return hashlib.sha256(f"tombstone:{user_id}".encode()).hexdigest()


def buried(people: Iterable[str], tombstones: Iterable[str]) -> tuple[str, ...]:
    """Return those of these people who were deleted before, sorted."""
    stones = frozenset(tombstones)
    return tuple(sorted(each for each in people if hashed(each) in stones))


def _shown(holding: Holding, document: Document) -> Document:
    names = holding.shown or tuple(name for name in document if name not in NOT_SHOWN)
    return {name: document.get(name) for name in names}
