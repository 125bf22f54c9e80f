"""The audit collection and the head of its chain. Entries are appended; there is no statement that changes one.

Two things alone are ever taken away: the oldest entries after their time, and the origin of a deleted person's acts.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession

from backend.audit import chain
from backend.audit.models import AuditFilter, ChainState, Entry, SealedEntry
from backend.kit.model import from_document, to_document
from backend.kit.mongo.client import Document, Mongo, translated
from backend.kit.mongo.once_per_key import aside
from backend.kit.origin import Origin

COLLECTION, HEADS, HEAD = "audit", "auditHead", "head"
INDEXES = {
    COLLECTION: [
        IndexModel([("actorId", ASCENDING), ("_id", DESCENDING)], name="actor"),
        IndexModel([("targetId", ASCENDING), ("_id", DESCENDING)], name="target"),
        IndexModel([("act", ASCENDING), ("_id", DESCENDING)], name="act"),
        IndexModel([("at", ASCENDING)], name="at"),
    ]
}


class AuditQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def prepare(self) -> None:
        """Make the head of the chain, so that the first two acts cannot both try to."""
        with translated():
            self._mongo[HEADS].update_one({"_id": HEAD}, {"$setOnInsert": {"last": 0}}, upsert=True)

    def append(self, session: ClientSession, entry: Entry, origin: Origin, salt: str) -> SealedEntry:
        """Write the entry after the last one, within a transaction; its id is given here.

        Holding the head keeps two from being written after the same entry: the later transaction is repeated.
        """
        heads = self._mongo[HEADS]
        head: Document = heads.find_one_and_update(  # type: ignore[assignment]  # with upsert there is always one
            {"_id": HEAD}, {"$inc": {"last": 1}}, upsert=True, return_document=ReturnDocument.AFTER, session=session
        )
        document = to_document(entry) | {"_id": head["last"]}
        written = chain.sealed(from_document(document, Entry), origin, salt, head.get("hash", chain.START))
        self._mongo[COLLECTION].insert_one(to_document(written), session=session)
        heads.update_one({"_id": HEAD}, {"$set": {"hash": written.hash}}, session=session)
        return written

    def append_alone(self, entry: Entry, origin: Origin, salt: str) -> SealedEntry:
        """As `append`, in a transaction of its own, which is not the act that it tells of."""
        with aside():
            return self._mongo.transaction(lambda session: self.append(session, entry, origin, salt))

    def entries(self, wanted: AuditFilter, before: int | None, limit: int) -> tuple[Entry, ...]:
        """The newest entries that are wanted and older than the entry `before`."""
        with translated():
            found = self._mongo[COLLECTION].find(_condition(wanted, before)).sort("_id", DESCENDING).limit(limit)
            return tuple(from_document(document, Entry) for document in found)

    def names(self, user_ids: Iterable[str]) -> dict[str, str]:
        """The names of those who still have an account, by id."""
        with translated():
            found = self._mongo["users"].find({"_id": {"$in": list(user_ids)}}, {"name": 1})
            return {document["_id"]: document["name"] for document in found}

    def sealed(self, after: int) -> Iterator[SealedEntry]:
        """Every entry after the entry `after`, in order, with its place in the chain."""
        with translated():
            for document in self._mongo[COLLECTION].find({"_id": {"$gt": after}}).sort("_id", ASCENDING):
                yield from_document(document, SealedEntry)

    def start(self) -> tuple[int, str]:
        """The id of the oldest entry that must be there, and the hash before it."""
        head = self._head()
        return int(head.get("first", 1)), str(head.get("firstPrevious", chain.START))

    def end(self) -> tuple[int, str]:
        """The id and the hash of the newest entry that must be there; 0 where none was written."""
        head = self._head()
        return int(head.get("last", 0)), str(head.get("hash", chain.START))

    def link_before(self, entry_id: int) -> str | None:
        """The hash that the entry with this id says is before it."""
        with translated():
            found = self._mongo[COLLECTION].find_one({"_id": entry_id}, {"previousHash": 1})
        return str(found["previousHash"]) if found else None

    def note_check(self, state: ChainState) -> None:
        """Keep what the last check of the whole trail found."""
        with translated():
            self._mongo[HEADS].update_one({"_id": "check"}, {"$set": to_document(state)}, upsert=True)

    def last_check(self) -> ChainState | None:
        with translated():
            found = self._mongo[HEADS].find_one({"_id": "check"})
        return from_document(found, ChainState) if found else None

    def forget_before(self, at: datetime) -> int:
        """Take the oldest entries away, up to the first that was written at `at` or later; how many."""
        with translated():
            kept = self._mongo[COLLECTION].find_one({"at": {"$gte": at}}, sort=[("_id", ASCENDING)])
        if kept is None:  # the newest entry always stays: the chain goes on from it
            kept = self._newest()
        if kept is None:
            return 0
        first, previous = kept["_id"], kept["previousHash"]

        def work(session: ClientSession) -> int:
            place = {"first": first, "firstPrevious": previous}
            self._mongo[HEADS].update_one({"_id": HEAD, "last": {"$gte": first}}, {"$set": place}, session=session)
            return self._mongo[COLLECTION].delete_many({"_id": {"$lt": first}}, session=session).deleted_count

        return self._mongo.transaction(work)

    def forget_origins(self, session: ClientSession, actor_id: str) -> int:
        """Take away from where a deleted person acted. The chain holds: it knows the origin by a salted hash."""
        taken = {"$set": {"origin": None, "salt": None}}
        return self._mongo[COLLECTION].update_many({"actorId": actor_id}, taken, session=session).modified_count

    def _head(self) -> Document:
        with translated():
            return self._mongo[HEADS].find_one({"_id": HEAD}) or {}

    def _newest(self) -> Document | None:
        with translated():
            return self._mongo[COLLECTION].find_one(sort=[("_id", DESCENDING)])


def _condition(wanted: AuditFilter, before: int | None) -> Document:
    conditions: list[Document] = []
    if before is not None:
        conditions.append({"_id": {"$lt": before}})
    if wanted.people is not None:
        people = {"$in": list(wanted.people)}
        conditions.append({"$or": [{"actorId": people}, {"targetId": people}]})
    if wanted.act:
        conditions.append({"act": wanted.act})
    if wanted.since:
        conditions.append({"at": {"$gte": wanted.since}})
    if wanted.until:
        conditions.append({"at": {"$lt": wanted.until}})
    return {"$and": conditions} if conditions else {}
