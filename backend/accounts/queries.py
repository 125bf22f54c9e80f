"""The collections of people: users, memberships, sessions, tickets."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.collation import Collation
from pymongo.errors import DuplicateKeyError

from backend.accounts.models import ROLES, DemoSignIn, Role, SessionRecord, User, UserPage, Viewer
from backend.errors import Conflict
from backend.kit.i18n import _
from backend.kit.mongo import Document, Mongo, translated
from backend.kit.shape import from_document, to_document

BY_NAME = Collation("en", strength=2, numericOrdering=True)  # capitals or not; Student 2 before Student 10
INDEXES = {
    "users": [
        IndexModel([("emailKey", ASCENDING)], name="email", unique=True),
        IndexModel([("role", ASCENDING), ("name", ASCENDING)], name="role"),
        IndexModel([("name", ASCENDING), ("_id", ASCENDING)], name="byName", collation=BY_NAME),
        IndexModel(
            [("role", ASCENDING), ("name", ASCENDING), ("_id", ASCENDING)], name="roleByName", collation=BY_NAME
        ),
    ],
    "memberships": [
        IndexModel([("classroomId", ASCENDING), ("role", ASCENDING)], name="classroom"),
        IndexModel([("userId", ASCENDING), ("joinedAt", ASCENDING)], name="user"),
    ],
    "sessions": [
        IndexModel([("userId", ASCENDING)], name="user"),
        IndexModel([("refreshHash", ASCENDING)], name="refresh", sparse=True),
        IndexModel([("spentHashes", ASCENDING)], name="spent", sparse=True),
        IndexModel([("expiresAt", ASCENDING), ("_id", ASCENDING)], name="expired"),
    ],
    "tickets": [
        IndexModel([("userId", ASCENDING)], name="user"),
        IndexModel([("expiresAt", ASCENDING), ("_id", ASCENDING)], name="expired"),
    ],
}
FIRST_ADMINISTRATOR = "first-administrator"
ADMINISTRATORS = "administrators"  # whoever takes an administrator away holds this: two at once would leave none


class AccountQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    # people

    def any_user(self) -> bool:
        with translated():
            return self._mongo["users"].find_one({}, {"_id": 1}) is not None

    def insert_user(
        self,
        user: User,
        password_hash: str | None,
        classroom_id: str | None = None,
        *,
        first: bool = False,
        also: Callable[[ClientSession], None] | None = None,
    ) -> None:
        """Add a person, her classroom with her, and do `also(session)`, all or nothing.

        Raises Conflict where the address (or, `first`, anyone) is there.
        """
        document = user_document(user, password_hash)

        def work(session: ClientSession) -> None:
            if first:
                self._mongo["leases"].insert_one({"_id": FIRST_ADMINISTRATOR, "at": user.created_at}, session=session)
            self._mongo["users"].insert_one(document, session=session)
            if classroom_id:
                self._join(session, classroom_id, user.id, user.role, user.created_at)
            if also:
                also(session)

        try:
            self._mongo.transaction(work)
        except Conflict as error:
            if isinstance(error.__cause__, DuplicateKeyError):
                raise Conflict(_taken(first=first)) from error
            raise

    def user(self, user_id: str) -> User | None:
        with translated():
            found = self._mongo["users"].find_one({"_id": user_id})
        return from_document(found, User) if found else None

    def credentials(self, email: str) -> tuple[User, str | None] | None:
        """The person with this address and her password hash."""
        return self._credentials({"emailKey": email_key(email)})

    def credentials_of(self, user_id: str) -> tuple[User, str | None] | None:
        return self._credentials({"_id": user_id})

    def demo_sign_ins(self) -> tuple[DemoSignIn, ...]:
        """The first active demo account of each role, by address: student2 comes before student10."""
        wanted = {"isDemo": True, "isActive": True}
        by_address = {"sort": [("emailKey", ASCENDING)], "collation": Collation("en", numericOrdering=True)}
        with translated():
            found = [self._mongo["users"].find_one(wanted | {"role": role}, **by_address) for role in ROLES]
        return tuple(from_document(document, DemoSignIn) for document in found if document)

    def update_user(self, user_id: str, fields: Mapping[str, Any]) -> User | None:
        """The person after her (camelCase) fields were set; None where there is no such person."""
        with translated():
            found = self._mongo["users"].find_one_and_update(
                {"_id": user_id}, {"$set": dict(fields)}, return_document=ReturnDocument.AFTER
            )
        return from_document(found, User) if found else None

    def update_keeping_an_admin(
        self, user_id: str, fields: Mapping[str, Any], also: Callable[[ClientSession], None]
    ) -> User | None:
        """As update_user, one after another, and `also(session)` with it, all or nothing.

        Raises Conflict, and changes nothing, where no active admin were left.
        """

        def work(session: ClientSession) -> User | None:
            leases, users = self._mongo["leases"], self._mongo["users"]
            leases.update_one({"_id": ADMINISTRATORS}, {"$inc": {"changes": 1}}, upsert=True, session=session)
            found = users.find_one_and_update(
                {"_id": user_id}, {"$set": dict(fields)}, return_document=ReturnDocument.AFTER, session=session
            )
            if users.find_one({"role": "admin", "isActive": True}, {"_id": 1}, session=session) is None:
                raise Conflict(_("The school needs at least one administrator."))
            also(session)
            return from_document(found, User) if found else None

        return self._mongo.transaction(work)

    def users(self, search: str, role: Role | None, page: int, limit: int) -> UserPage:
        """People in order of name; `search` is the beginning of any word of the name, or part of the address."""
        wanted: Document = {"role": role} if role else {}
        if search:
            wanted["$or"] = [
                {"name": {"$regex": rf"(^|\s){_literal(search)}", "$options": "i"}},
                {"emailKey": {"$regex": _literal(email_key(search))}},
            ]
        with translated():
            users = self._mongo["users"]
            total = users.count_documents(wanted) if wanted else users.count_documents({}, hint="_id_")
            found = (
                users.find(wanted)
                .sort([("name", ASCENDING), ("_id", ASCENDING)])
                .collation(BY_NAME)
                .skip((page - 1) * limit)
                .limit(limit)
            )
            return UserPage(
                users=tuple(from_document(document, User) for document in found), total=total, page=page, limit=limit
            )

    # who belongs where

    def join(self, classroom_id: str, user_id: str, role: Role, at: datetime) -> None:
        """Make the person a member; a member already stays one."""
        with translated():
            self._join(None, classroom_id, user_id, role, at)

    def classroom_ids(self, user_id: str) -> tuple[str, ...]:
        with translated():
            found = self._mongo["memberships"].find({"userId": user_id}, {"classroomId": 1}).sort("joinedAt", 1)
            return tuple(document["classroomId"] for document in found)

    # sessions and tickets

    def insert_session(self, session: SessionRecord, idle_expires_at: datetime, refresh_hash: str | None) -> None:
        document = to_document(session) | {"idleExpiresAt": idle_expires_at}
        if refresh_hash:
            document["refreshHash"] = refresh_hash
        with translated():
            self._mongo["sessions"].insert_one(document)
        self._forget_expired("sessions", session.created_at)

    def viewer(self, session_id: str, now: datetime) -> Viewer | None:
        """Who a live session belongs to; None where it ended or the person is not active."""
        live = {"_id": session_id, "expiresAt": {"$gt": now}, "idleExpiresAt": {"$gt": now}}
        with translated():
            session = self._mongo["sessions"].find_one(live, {"userId": 1})
            user = session and self._mongo["users"].find_one({"_id": session["userId"], "isActive": True})
        if not user:
            return None
        extra = {"classroomIds": self.classroom_ids(user["_id"]), "sessionId": session_id}
        return from_document(user | extra, Viewer)

    def touch_session(self, session_id: str, now: datetime, idle_expires_at: datetime, seen_before: datetime) -> None:
        """Note that a session is in use, at most once since `seen_before`."""
        with translated():
            self._mongo["sessions"].update_one(
                {"_id": session_id, "lastSeenAt": {"$lt": seen_before}},
                {"$set": {"lastSeenAt": now, "idleExpiresAt": idle_expires_at}},
            )

    def rotate_refresh(self, spent: str, fresh: str, now: datetime, idle_expires_at: datetime) -> SessionRecord | None:
        """The API session whose refresh token this was, with the fresh one in its place."""
        with translated():
            found = self._mongo["sessions"].find_one_and_update(
                {"refreshHash": spent, "expiresAt": {"$gt": now}, "idleExpiresAt": {"$gt": now}},
                {
                    "$set": {"refreshHash": fresh, "lastSeenAt": now, "idleExpiresAt": idle_expires_at},
                    "$push": {"spentHashes": {"$each": [spent], "$slice": -50}},
                },
                return_document=ReturnDocument.AFTER,
            )
        return from_document(found, SessionRecord) if found else None

    def end_session_that_spent(self, refresh_hash: str) -> bool:
        """End the session that used this refresh token before: somebody else holds a copy."""
        with translated():
            return self._mongo["sessions"].delete_one({"spentHashes": refresh_hash}).deleted_count > 0

    def end_session(self, session_id: str) -> None:
        with translated():
            self._mongo["sessions"].delete_one({"_id": session_id})

    def end_sessions(self, user_id: str, *, but: str = "") -> int:
        with translated():
            return self._mongo["sessions"].delete_many({"userId": user_id, "_id": {"$ne": but}}).deleted_count

    def end_demo_sessions(self) -> int:
        """End every session of the people of a demo school, whose password everybody knows."""
        with translated():
            people = [user["_id"] for user in self._mongo["users"].find({"isDemo": True}, {"_id": 1})]
            return self._mongo["sessions"].delete_many({"userId": {"$in": people}}).deleted_count

    def sessions(self, user_id: str, now: datetime) -> tuple[SessionRecord, ...]:
        wanted = {"userId": user_id, "expiresAt": {"$gt": now}, "idleExpiresAt": {"$gt": now}}
        with translated():
            found = self._mongo["sessions"].find(wanted).sort("lastSeenAt", DESCENDING)
            return tuple(from_document(document, SessionRecord) for document in found)

    def insert_ticket(
        self, ticket_hash: str, purpose: str, user_id: str, binding: str, *, now: datetime, expires_at: datetime
    ) -> None:
        fields = {"purpose": purpose, "userId": user_id, "binding": binding, "expiresAt": expires_at}
        with translated():
            self._mongo["tickets"].insert_one({"_id": ticket_hash, **fields})
        self._forget_expired("tickets", now)

    def ticket_owner(self, ticket_hash: str, purpose: str, now: datetime) -> str | None:
        """Whose live ticket this is, without spending it."""
        with translated():
            found = self._mongo["tickets"].find_one({"_id": ticket_hash, "purpose": purpose, "expiresAt": {"$gt": now}})
        return found["userId"] if found else None

    def spend_ticket(self, ticket_hash: str, purpose: str, binding: str, now: datetime) -> str | None:
        """Whose ticket this was; it works once, for its purpose and the browser it is bound to."""
        with translated():
            found = self._mongo["tickets"].find_one_and_delete(
                {"_id": ticket_hash, "purpose": purpose, "binding": binding, "expiresAt": {"$gt": now}}
            )
        return found["userId"] if found else None

    def drop_tickets(self, user_id: str, purpose: str) -> None:
        with translated():
            self._mongo["tickets"].delete_many({"userId": user_id, "purpose": purpose})

    def _forget_expired(self, collection: str, now: datetime) -> None:
        """Sweep as we go. A TTL index would go by the server's time, not by the clock that set the expiry."""
        with translated():
            self._mongo[collection].delete_many({"expiresAt": {"$lte": now}})

    def _credentials(self, wanted: Document) -> tuple[User, str | None] | None:
        with translated():
            found = self._mongo["users"].find_one(wanted)
        return (from_document(found, User), found.get("passwordHash")) if found else None

    def _join(self, session: ClientSession | None, classroom_id: str, user_id: str, role: Role, at: datetime) -> None:
        fields = membership_document(classroom_id, user_id, role, at)
        self._mongo["memberships"].update_one(
            {"_id": fields.pop("_id")}, {"$setOnInsert": fields}, upsert=True, session=session
        )


def user_document(user: User, password_hash: str | None) -> Document:
    """A person as she is kept."""
    return to_document(user) | {"emailKey": email_key(user.email), "passwordHash": password_hash}


def membership_document(classroom_id: str, user_id: str, role: Role, at: datetime) -> Document:
    """That a person belongs to a classroom, as it is kept."""
    return {
        "_id": f"{classroom_id}:{user_id}",
        "classroomId": classroom_id,
        "userId": user_id,
        "role": role,
        "joinedAt": at,
    }


def email_key(email: str) -> str:
    """What makes two addresses the same: no surrounding space, no difference of case or of how letters are coded."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", email.strip()).casefold())


def _literal(text: str) -> str:
    """`text` as a regular expression that matches just itself. No text has a NUL, nor may a regular expression."""
    return re.escape(text[:80].replace("\0", "\ufffd"))


def _taken(*, first: bool) -> str:
    if first:
        return _("This school has its administrator already. Please sign in.")
    return _("There is an account with this e-mail address already.")
