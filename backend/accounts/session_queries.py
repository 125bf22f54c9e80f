"""The collections of signing in: sessions, and tickets (secrets that work once)."""

from datetime import datetime

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession

from backend.accounts.models import SessionRecord
from backend.errors import Conflict
from backend.kit.model import from_document, to_document
from backend.kit.mongo.client import Mongo, translated

INDEXES = {
    "sessions": [
        IndexModel([("userId", ASCENDING)], name="user"),
        IndexModel([("refreshHash", ASCENDING)], name="refresh", sparse=True),
        IndexModel([("spentHashes", ASCENDING)], name="spent", sparse=True),
        IndexModel([("expiresAt", ASCENDING), ("_id", ASCENDING)], name="expired"),
    ],
    "tickets": [
        IndexModel([("hash", ASCENDING)], name="hash", sparse=True),
        IndexModel([("userId", ASCENDING)], name="user"),
        IndexModel([("expiresAt", ASCENDING), ("_id", ASCENDING)], name="expired"),
    ],
}
MOST_SESSIONS = 100  # of one person: the oldest sessions beyond this are ended
SPENT_KEPT = 50  # refresh tokens whose second use gives a thief away


class SessionQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    # sessions

    def insert(self, session: SessionRecord, refresh_hash: str | None) -> int:
        """Store a session, end those unused for longest if there are too many, and return how many ended."""
        document = to_document(session)
        if refresh_hash:
            document["refreshHash"] = refresh_hash
        with translated():
            self._mongo["sessions"].insert_one(document)
        self._forget_expired("sessions", session.created_at)
        return self._end_others_beyond(session, MOST_SESSIONS - 1)

    def find(self, session_id: str) -> SessionRecord | None:
        with translated():
            found = self._mongo["sessions"].find_one({"_id": session_id})
        return from_document(found, SessionRecord) if found else None

    def refreshed_by(self, refresh_hash: str) -> SessionRecord | None:
        """The session whose present refresh token this is."""
        with translated():
            found = self._mongo["sessions"].find_one({"refreshHash": refresh_hash})
        return from_document(found, SessionRecord) if found else None

    def touch(self, session_id: str, now: datetime, seen_before: datetime) -> None:
        """Note that a session is in use, at most once since `seen_before`; later, while nothing can be written."""
        if self._mongo.standing.primary_lost_at:
            return
        with translated():
            self._mongo["sessions"].update_one(
                {"_id": session_id, "lastSeenAt": {"$lt": seen_before}}, {"$set": {"lastSeenAt": now}}
            )

    def note_proof(self, session_id: str, now: datetime) -> None:
        """Note that the owner of the session has just given their password again."""
        with translated():
            self._mongo["sessions"].update_one({"_id": session_id}, {"$set": {"provenAt": now}})

    def rotate_refresh(self, session_id: str, spent: str, fresh: str, now: datetime) -> bool:
        """Put the fresh refresh token in the place of the spent one; False where somebody else just did."""
        with translated():
            changed = self._mongo["sessions"].update_one(
                {"_id": session_id, "refreshHash": spent},
                {
                    "$set": {"refreshHash": fresh, "lastSeenAt": now},
                    "$push": {"spentHashes": {"$each": [spent], "$slice": -SPENT_KEPT}},
                },
            )
        return changed.modified_count > 0

    def end_that_spent(self, refresh_hash: str) -> bool:
        """End the session that used this refresh token before: somebody else holds a copy."""
        with translated():
            return self._mongo["sessions"].delete_one({"spentHashes": refresh_hash}).deleted_count > 0

    def end(self, session_id: str, user_id: str | None = None) -> str | None:
        """End one session (if given, only of this person); return its owner, None if not found."""
        wanted = {"_id": session_id} | ({"userId": user_id} if user_id else {})
        with translated():
            found = self._mongo["sessions"].find_one_and_delete(wanted)
        return found["userId"] if found else None

    def end_all(self, user_id: str, *, but: str = "") -> int:
        with translated():
            return self._mongo["sessions"].delete_many({"userId": user_id, "_id": {"$ne": but}}).deleted_count

    def end_of_demo(self) -> int:
        """End every session of the people of a demo school, whose password everybody knows."""
        with translated():
            people = [user["_id"] for user in self._mongo["users"].find({"isDemo": True}, {"_id": 1})]
            return self._mongo["sessions"].delete_many({"userId": {"$in": people}}).deleted_count

    def for_user(self, user_id: str) -> tuple[SessionRecord, ...]:
        """The sessions of a person, the last used first; some of them may be over."""
        with translated():
            found = self._mongo["sessions"].find({"userId": user_id}).sort("lastSeenAt", DESCENDING)
            return tuple(from_document(document, SessionRecord) for document in found)

    # tickets

    def insert_ticket(
        self,
        ticket_hash: str,
        purpose: str,
        user_id: str,
        binding: str,
        *,
        now: datetime,
        expires_at: datetime,
        only: bool = False,
        sealed: str = "",
    ) -> None:
        """Keep a ticket, with what it is about `sealed`. `only`: in the place of the person's one for this purpose."""
        fields = {"hash": ticket_hash, "purpose": purpose, "userId": user_id, "binding": binding}
        fields |= {"sealed": sealed} if sealed else {}
        name = f"{purpose}:{user_id}" if only else ticket_hash
        with translated():
            self._mongo["tickets"].replace_one({"_id": name}, {**fields, "expiresAt": expires_at}, upsert=True)
        self._forget_expired("tickets", now)

    def ticket_owner(self, ticket_hash: str, purpose: str, now: datetime, binding: str | None = None) -> str | None:
        """Return the owner of a live ticket without spending it; None if there is no such ticket."""
        wanted = {"hash": ticket_hash, "purpose": purpose, "expiresAt": {"$gt": now}}
        with translated():
            found = self._mongo["tickets"].find_one(wanted if binding is None else wanted | {"binding": binding})
        return found["userId"] if found else None

    def spend_ticket(self, ticket_hash: str, purpose: str, binding: str, now: datetime) -> str | None:
        """Spend a ticket and return its owner; it works once, for its purpose and the browser it is bound to."""
        with translated():
            found = self._mongo["tickets"].find_one_and_delete(
                {"hash": ticket_hash, "purpose": purpose, "binding": binding, "expiresAt": {"$gt": now}}
            )
        return found["userId"] if found else None

    def sealed(self, ticket_hash: str, now: datetime) -> str | None:
        """Return the sealed content of a live ticket; None if it has none, or the ticket is gone."""
        with translated():
            found = self._mongo["tickets"].find_one({"hash": ticket_hash, "expiresAt": {"$gt": now}}, {"sealed": 1})
        return found.get("sealed") if found else None

    def spend_within(self, session: ClientSession, ticket_hash: str, purpose: str, now: datetime) -> bool:
        """Spend a ticket within the transaction that uses it; return whether it was live."""
        wanted = {"hash": ticket_hash, "purpose": purpose, "expiresAt": {"$gt": now}}
        return self._mongo["tickets"].delete_one(wanted, session=session).deleted_count == 1

    def note_used(self, hashed: str, now: datetime, until: datetime) -> bool:
        """Mark a single-use value (by its hash) as used; False if it was used before."""
        fields = {"purpose": "used", "userId": "", "binding": "", "expiresAt": until}
        self._forget_expired("tickets", now)
        try:
            with translated():
                self._mongo["tickets"].insert_one({"_id": f"used:{hashed}", **fields})
        except Conflict:
            return False
        return True

    def drop_tickets(self, user_id: str) -> None:
        """Delete the links, challenges and sign-ins under way of this person."""
        with translated():
            self._mongo["tickets"].delete_many({"userId": user_id})

    def _end_others_beyond(self, session: SessionRecord, most: int) -> int:
        sessions, others = self._mongo["sessions"], {"userId": session.user_id, "_id": {"$ne": session.id}}
        with translated():
            found = list(sessions.find(others, {"lastSeenAt": 1}))  # a hundred, if all went well before
            found.sort(key=lambda each: each["lastSeenAt"], reverse=True)
            gone = [each["_id"] for each in found[most:]]
            return sessions.delete_many({"_id": {"$in": gone}}).deleted_count if gone else 0

    def _forget_expired(self, collection: str, now: datetime) -> None:
        """Delete expired documents. A TTL index would use the server's time, not the clock that set the expiry."""
        with translated():
            self._mongo[collection].delete_many({"expiresAt": {"$lte": now}})
