"""The collection places: browsers and networks from which a person has signed in, so that a stranger's wrong
guesses do not delay them there. Kept as SHA-256, for ninety days after the last sign-in."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pymongo import ASCENDING, IndexModel, UpdateOne

from backend.kit.mongo.client import Mongo, translated

KEPT = timedelta(days=90)
INDEXES = {
    "places": [
        IndexModel([("userId", ASCENDING)], name="user"),
        IndexModel([("expiresAt", ASCENDING), ("_id", ASCENDING)], name="expired"),
    ]
}


class PlaceQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def known(self, places: Sequence[str], now: datetime) -> frozenset[str]:
        """Return those of these places that are known."""
        with translated():
            found = self._mongo["places"].find({"_id": {"$in": list(places)}, "expiresAt": {"$gt": now}}, {"_id": 1})
            return frozenset(place["_id"] for place in found)

    def for_user(self, user_id: str) -> tuple[str, ...]:
        """All places from which this person has signed in."""
        with translated():
            return tuple(place["_id"] for place in self._mongo["places"].find({"userId": user_id}, {"_id": 1}))

    def remember(self, user_id: str, places: Sequence[str], now: datetime) -> None:
        """Store that the person has just signed in from these places."""
        if not places:
            return
        kept = {"$set": {"userId": user_id, "expiresAt": now + KEPT}}
        with translated():
            self._mongo["places"].bulk_write([UpdateOne({"_id": place}, kept, upsert=True) for place in places])
            self._mongo["places"].delete_many({"expiresAt": {"$lte": now}})
