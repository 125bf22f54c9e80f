"""The collections of people: users and memberships."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.collation import Collation
from pymongo.errors import DuplicateKeyError

from backend.accounts.models import ROLES, DemoSignIn, PeopleOrder, Role, User, UserPage
from backend.errors import Conflict
from backend.kit.i18n import _
from backend.kit.model import from_document, to_document
from backend.kit.mongo.client import Document, Mongo, translated
from backend.kit.search_words import beginnings, sort_key, words

SEARCHED_WORDS = 10
ORDER_FIELDS: Mapping[PeopleOrder, str] = {
    "name": "nameKey",
    "role": "role",
    "state": "isActive",
    "lastSignIn": "lastSignInAt",
    "since": "createdAt",
}
INDEXES = {
    "users": [
        IndexModel([("emailKey", ASCENDING)], name="email", unique=True),
        IndexModel([("providerSubject", ASCENDING)], name="provider", unique=True, sparse=True),
        IndexModel([("secondFactor.keyId", ASCENDING)], name="secondFactorKey", sparse=True),
        IndexModel([("role", ASCENDING), ("name", ASCENDING)], name="role"),
        IndexModel([("nameWords", ASCENDING)], name="nameWords"),
        IndexModel([("emailWords", ASCENDING)], name="emailWords"),
        IndexModel([("nameKey", ASCENDING), ("_id", ASCENDING)], name="byNameKey"),
        IndexModel([("role", ASCENDING), ("nameKey", ASCENDING), ("_id", ASCENDING)], name="roleByNameKey"),
    ],
    "memberships": [
        IndexModel([("classroomId", ASCENDING), ("role", ASCENDING)], name="classroom"),
        IndexModel([("userId", ASCENDING), ("joinedAt", ASCENDING)], name="user"),
    ],
}
FIRST_ADMINISTRATOR = "first-administrator"
ADMINISTRATORS = "administrators"  # written by every removal of an administrator: two at once would leave none


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
        """Add a person with their membership of the classroom, and do `also(session)`, all or nothing.

        Raises Conflict if the address (or, with `first`, any person) is there already.
        """
        document = user_document(user, password_hash)

        def work(session: ClientSession) -> None:
            if first:
                self._mongo["leases"].insert_one({"_id": FIRST_ADMINISTRATOR, "at": user.created_at}, session=session)
            self._mongo["users"].insert_one(document, session=session)
            if classroom_id:
                add_member(self._mongo, session, classroom_id, user.id, user.role, user.created_at)
            if also:
                also(session)

        try:
            self._mongo.transaction(work)
        except Conflict as error:
            if isinstance(error.__cause__, DuplicateKeyError):
                raise Conflict(_taken(error, first=first)) from error
            raise

    def user(self, user_id: str) -> User | None:
        with translated():
            found = self._mongo["users"].find_one({"_id": user_id})
        return from_document(found, User) if found else None

    def credentials(self, email: str) -> tuple[User, str | None] | None:
        """Return the person with this address, and their password hash."""
        return self._credentials({"emailKey": email_key(email)})

    def credentials_of(self, user_id: str) -> tuple[User, str | None] | None:
        return self._credentials({"_id": user_id})

    # the school's own provider

    def by_provider(self, subject: str) -> User | None:
        """The person who is tied to this subject of the provider."""
        with translated():
            found = self._mongo["users"].find_one({"providerSubject": subject})
        return from_document(found, User) if found else None

    def tie_to_provider(self, user_id: str, subject: str) -> User | None:
        """Tie a person to a subject of the provider, for good; None if they are tied to another one."""
        return self._updated(
            {"_id": user_id, "providerSubject": {"$in": [None, subject]}}, {"$set": {"providerSubject": subject}}
        )

    def forget_credentials(self, user_id: str) -> User | None:
        """Disable the password and the second factor of this person; return the person."""
        gone = {"secondFactor": "", "pendingFactor": "", "factorAttempts": ""}
        return self._updated({"_id": user_id}, {"$set": {"passwordHash": None, "secondFactorAt": None}, "$unset": gone})

    def demo_sign_ins(self) -> tuple[DemoSignIn, ...]:
        """The first active demo account of each role, by address: student2 comes before student10."""
        wanted = {"isDemo": True, "isActive": True}
        by_address = {"sort": [("emailKey", ASCENDING)], "collation": Collation("en", numericOrdering=True)}
        with translated():
            found = [self._mongo["users"].find_one(wanted | {"role": role}, **by_address) for role in ROLES]
        return tuple(from_document(document, DemoSignIn) for document in found if document)

    def update_user(self, user_id: str, fields: Mapping[str, Any]) -> User | None:
        """Set (camelCase) fields of a person and return the person; None if there is no such person.

        Raises Conflict if somebody on the boards has the display name.
        """
        try:
            return self._updated({"_id": user_id}, _setting(fields))
        except Conflict as error:
            raise Conflict(_taken(error)) from error

    def note_sign_in(self, user_id: str, at: datetime) -> None:
        with translated():
            self._mongo["users"].update_one({"_id": user_id}, {"$set": {"lastSignInAt": at}})

    def change_email(
        self, user_id: str, email: str, fields: Mapping[str, Any], also: Callable[[ClientSession], None]
    ) -> User | None:
        """Set the address and these (camelCase) fields, do `also(session)`, all or nothing; return the person.

        Raises Conflict if the address, or the display name on the boards, is somebody else's.
        """

        def work(session: ClientSession) -> User | None:
            found = self._mongo["users"].find_one_and_update(
                {"_id": user_id},
                _setting({**fields, "email": email, "emailKey": email_key(email)}),
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            also(session)
            return from_document(found, User) if found else None

        try:
            return self._mongo.transaction(work)
        except Conflict as error:
            if isinstance(error.__cause__, DuplicateKeyError):
                raise Conflict(_taken(error)) from error
            raise

    def reset_password(self, user_id: str, hashed: str, also: Callable[[ClientSession], None]) -> None:
        """Put a new hash in the place of whatever is there, `also(session)` with it, all or nothing."""

        def work(session: ClientSession) -> None:
            self._mongo["users"].update_one({"_id": user_id}, {"$set": {"passwordHash": hashed}}, session=session)
            also(session)

        self._mongo.transaction(work)

    def set_password(self, user_id: str, hashed: str, *, before: str | None) -> bool:
        """Put a new hash in the place of the one that was looked at; False where that was changed meanwhile."""
        wanted, fields = {"_id": user_id, "passwordHash": before}, {"passwordHash": hashed}

        def work(session: ClientSession) -> bool:  # a transaction, so that a form that is sent again finds it done
            return self._mongo["users"].update_one(wanted, {"$set": fields}, session=session).matched_count > 0

        return self._mongo.transaction(work)

    def update_keeping_an_admin(
        self, user_id: str, fields: Mapping[str, Any], also: Callable[[ClientSession], None]
    ) -> User | None:
        """As update_user, one after another, and `also(session)` with it, all or nothing.

        Raises Conflict, and changes nothing, where no active admin were left.
        """

        def work(session: ClientSession) -> User | None:
            keep_an_admin(self._mongo, session)
            found = self._mongo["users"].find_one_and_update(
                {"_id": user_id}, _setting(fields), return_document=ReturnDocument.AFTER, session=session
            )
            check_admin_left(self._mongo, session)
            if fields.get("role") in ("student", "teacher"):  # a class knows its members by what they are there
                self._mongo["memberships"].update_many(
                    {"userId": user_id}, {"$set": {"role": fields["role"]}}, session=session
                )
            also(session)
            return from_document(found, User) if found else None

        return self._mongo.transaction(work)

    def users(
        self,
        search: str,
        role: Role | None,
        page: int,
        limit: int,
        after: tuple[str, str] | None = None,
        *,
        order: PeopleOrder = "name",
        descending: bool = False,
    ) -> UserPage:
        """People in `order`, those alike by name; each word of `search` begins a word of the name or address.

        `after` (a name and an id) begins behind that place of the order by name instead of at a page.
        """
        wanted: Document = {"role": role} if role else {}
        if search:
            wanted["$and"] = [_begins(word) for word in words(search)[:SEARCHED_WORDS]] or [{"_id": None}]
        with translated():
            users = self._mongo["users"]
            total = users.count_documents(wanted) if wanted else users.count_documents({}, hint="_id_")
            if after:
                key = sort_key(after[0])
                behind = [{"nameKey": {"$gt": key}}, {"nameKey": key, "_id": {"$gt": after[1]}}]
                wanted = {"$and": [wanted, {"$or": behind}]}
            direction = DESCENDING if descending else ASCENDING
            by_name = [("nameKey", direction if order == "name" else ASCENDING), ("_id", ASCENDING)]
            by = by_name if order == "name" else [(ORDER_FIELDS[order], direction), *by_name]
            found = users.find(wanted).sort(by).skip(0 if after else (page - 1) * limit).limit(limit + 1)
            people = tuple(from_document(document, User) for document in found)
            return UserPage(users=people[:limit], total=total, page=page, limit=limit, has_more=len(people) > limit)

    # who belongs where

    def classroom_ids(self, user_id: str) -> tuple[str, ...]:
        with translated():
            found = self._mongo["memberships"].find({"userId": user_id}, {"classroomId": 1}).sort("joinedAt", 1)
            return tuple(document["classroomId"] for document in found)

    def _updated(self, wanted: Document, update: Document) -> User | None:
        with translated():
            found = self._mongo["users"].find_one_and_update(wanted, update, return_document=ReturnDocument.AFTER)
        return from_document(found, User) if found else None

    def _credentials(self, wanted: Document) -> tuple[User, str | None] | None:
        with translated():
            found = self._mongo["users"].find_one(wanted)
        return (from_document(found, User), found.get("passwordHash")) if found else None


def keep_an_admin(mongo: Mongo, session: ClientSession) -> None:
    """Call before a transaction removes an administrator: it makes such transactions run one after another."""
    mongo["leases"].update_one({"_id": ADMINISTRATORS}, {"$inc": {"changes": 1}}, upsert=True, session=session)


def check_admin_left(mongo: Mongo, session: ClientSession) -> None:
    """Call after the removal: raise Conflict, which ends the transaction, if no active administrator is left."""
    if mongo["users"].find_one({"role": "admin", "isActive": True}, {"_id": 1}, session=session) is None:
        raise Conflict(_("The school needs at least one administrator."))


def user_document(user: User, password_hash: str | None) -> Document:
    """Return the document of a person."""
    kept = {"emailKey": email_key(user.email), "passwordHash": password_hash}
    return to_document(user) | kept | search_fields(name=user.name, email=user.email)


def search_fields(*, name: str | None = None, email: str | None = None) -> Document:
    """Return the fields by which people are searched and ordered, for what is given of name and address."""
    found: Document = {}
    if name is not None:
        found |= {"nameKey": sort_key(name), "nameWords": list(beginnings(name))}
    if email is not None:
        found["emailWords"] = list(beginnings(email))
    return found


def _setting(fields: Mapping[str, Any]) -> Document:
    return {"$set": {**fields, **search_fields(name=fields.get("name"), email=fields.get("email"))}}


def _begins(word: str) -> Document:
    pattern = {"$regex": f"^{re.escape(word)}"}
    return {"$or": [{"nameWords": pattern}, {"emailWords": pattern}]}


def add_member(
    mongo: Mongo, session: ClientSession | None, classroom_id: str, user_id: str, role: Role, at: datetime
) -> None:
    """Make the person a member; an existing member keeps the first date of joining."""
    fields = membership_document(classroom_id, user_id, role, at)
    mongo["memberships"].update_one({"_id": fields.pop("_id")}, {"$setOnInsert": fields}, upsert=True, session=session)


def membership_document(classroom_id: str, user_id: str, role: Role, at: datetime) -> Document:
    """Return the document of a membership of a classroom."""
    return {
        "_id": f"{classroom_id}:{user_id}",
        "classroomId": classroom_id,
        "userId": user_id,
        "role": role,
        "joinedAt": at,
    }


def email_key(email: str) -> str:
    """Return the key under which addresses are equal: without outer space, case and differences of Unicode form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", email.strip()).casefold())


def domain_of(email: str) -> str:
    """Return the domain of an address, in the form of `email_key`; "" if there is no @."""
    _name, at, domain = email_key(email).rpartition("@")
    return domain if at else ""


def _taken(error: Conflict, *, first: bool = False) -> str:
    """Return the message for a value that somebody else has."""
    cause = error.__cause__
    details = cause.details if isinstance(cause, DuplicateKeyError) else None
    if "boardNameKey" in (details or {}).get("keyPattern", ()):
        return _("Somebody on the leaderboards has this display name, or one that looks like it. Choose another.")
    if first:
        return _("This school already has an administrator. Please sign in.")
    return _("There is an account with this e-mail address already.")
