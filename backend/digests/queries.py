"""The readers of the weekly letter, and how a person stops it."""

from collections.abc import Iterator

from pymongo import ASCENDING, IndexModel

from backend.accounts.models import User
from backend.kit.model import from_document
from backend.kit.mongo.client import Mongo, translated

INDEXES = {
    "users": [
        IndexModel([("weeklyMail", ASCENDING)], name="weeklyMail", partialFilterExpression={"weeklyMail": True}),
    ]
}


class DigestQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def readers(self) -> Iterator[User]:
        """Active people who want the letter; nobody of the demo school, whose addresses lead nowhere."""
        wanted = {"weeklyMail": True, "isActive": True, "isDemo": {"$ne": True}}
        with translated():
            found = [each["_id"] for each in self._mongo["users"].find(wanted, {"_id": 1})]
        for user_id in found:  # one at a time: the letters take long, and a cursor would end meanwhile
            with translated():
                document = self._mongo["users"].find_one({"_id": user_id} | wanted)
            if document:
                yield from_document(document, User)

    def stop(self, user_id: str) -> bool:
        """Stop the letters of a person; False if there is no such person."""
        with translated():
            changed = self._mongo["users"].update_one({"_id": user_id}, {"$set": {"weeklyMail": False}})
        return changed.matched_count > 0
