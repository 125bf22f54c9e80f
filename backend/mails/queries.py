"""The collection outbox: a process claims a letter before sending it, so that no two send it at once."""

from datetime import datetime, timedelta

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession

from backend.kit.model import from_document, to_document
from backend.kit.mongo.client import Document, Mongo, translated
from backend.mails.models import Mail, OutboxState, Recipient

KEPT_DAYS = 30
INDEXES = {
    "outbox": [
        IndexModel([("state", ASCENDING), ("dueAt", ASCENDING)], name="due"),
        IndexModel([("userId", ASCENDING)], name="user"),
        IndexModel([("endedAt", ASCENDING)], name="leaves", expireAfterSeconds=KEPT_DAYS * 86_400),
    ],
}


class MailQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._outbox = mongo["outbox"]

    def add(self, mail: Mail, session: ClientSession | None = None) -> bool:
        """Keep a letter, within a transaction where one is given; False where the same thing was written before."""
        fields = to_document(mail)
        key = fields.pop("_id")
        if session is not None:
            changed = self._outbox.update_one({"_id": key}, {"$setOnInsert": fields}, upsert=True, session=session)
            return changed.upserted_id is not None
        with translated():
            return self._outbox.update_one({"_id": key}, {"$setOnInsert": fields}, upsert=True).upserted_id is not None

    def claim(self, now: datetime, hold: timedelta) -> Mail | None:
        """The letter that has been due longest, ours for so long; its attempts count this one."""
        with translated():
            found = self._outbox.find_one_and_update(
                {"state": "queued", "dueAt": {"$lte": now}},
                {"$set": {"dueAt": now + hold}, "$inc": {"attempts": 1}},
                sort=[("dueAt", ASCENDING)],
                return_document=ReturnDocument.AFTER,
            )
        return from_document(found, Mail) if found else None

    def sent(self, mail: Mail, now: datetime) -> None:
        """It was taken; what it said is forgotten."""
        self._end(mail, {"state": "sent", "endedAt": now, "reason": ""})

    def failed(self, mail: Mail, reason: str, now: datetime) -> None:
        """It is given up; what it said is forgotten."""
        self._end(mail, {"state": "failed", "endedAt": now, "reason": reason})

    def postpone(self, mail: Mail, reason: str, due_at: datetime) -> None:
        """Try again at `due_at`."""
        with translated():
            self._outbox.update_one(_tried(mail), {"$set": {"dueAt": due_at, "reason": reason}})

    def state(self) -> OutboxState:
        """How many letters wait, went and failed; of a school whose mail is set."""
        with translated():
            counts = {
                each["_id"]: each["count"]
                for each in self._outbox.aggregate([{"$group": {"_id": "$state", "count": {"$sum": 1}}}])
            }
            oldest = self._outbox.find_one({"state": "queued"}, {"createdAt": 1}, sort=[("createdAt", ASCENDING)])
            last = self._outbox.find_one({"state": "failed"}, sort=[("endedAt", DESCENDING)])
        return OutboxState(
            is_configured=True,
            queued=counts.get("queued", 0),
            sent=counts.get("sent", 0),
            failed=counts.get("failed", 0),
            oldest_at=oldest["createdAt"] if oldest else None,
            last_failure=last["reason"] if last else "",
            last_failed_at=last["endedAt"] if last else None,
        )

    def administrators(self) -> tuple[Recipient, ...]:
        """Those who look after the school, without those of the demo, whose addresses lead nowhere."""
        wanted = {"role": "admin", "isActive": True, "isDemo": {"$ne": True}}
        with translated():
            return tuple(recipient(each) for each in self._mongo["users"].find(wanted))

    def _end(self, mail: Mail, fields: Document) -> None:
        with translated():
            self._outbox.update_one(_tried(mail), {"$set": fields, "$unset": {"body": ""}})


def recipient(document: Document) -> Recipient:
    """Return the recipient in a document of a person."""
    return Recipient(
        user_id=document["_id"],
        address=document["email"],
        name=document["name"],
        locale=document.get("locale", "en_IN"),
    )


def _tried(mail: Mail) -> Document:
    """This very attempt: one that took so long that somebody else tries by now has no say any more."""
    return {"_id": mail.id, "state": "queued", "attempts": mail.attempts}
