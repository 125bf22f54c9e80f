"""The collections instances (live processes) and vitals (their measurements of the last two hours)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import pymongo
from pymongo import ASCENDING
from pymongo.operations import IndexModel

from backend.kit.model import from_document, to_document
from backend.kit.mongo.client import Document, Mongo, translated
from backend.kit.mongo.lease import CLOCK_DIFFERENCE_SECONDS
from backend.operations.models import Instance
from backend.operations.vitals import Vital

ALIVE_SECONDS = 15  # three heartbeats
LOST_SECONDS = 600  # so long an instance that did not say goodbye is told of
KEPT_SECONDS = 7_200
BOUND_SECONDS = 1.8
GOODBYE_SECONDS = 5.0  # said once, so it may take a while; a stop waits longer for other things

INDEXES: Mapping[str, Sequence[IndexModel]] = {
    "instances": (IndexModel([("seenAt", ASCENDING)], name="leaves", expireAfterSeconds=LOST_SECONDS),),
    "vitals": (IndexModel([("at", ASCENDING)], name="leaves", expireAfterSeconds=KEPT_SECONDS),),
}


class VitalQueries:
    """Times of the heartbeat are the server's, so clocks of machines need not agree."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def beat(self, instance_id: str, fields: Document) -> None:
        """Store the heartbeat of an instance. Raises Unavailable."""
        pipeline = [{"$set": {**fields, "seenAt": "$$NOW"}}]
        with pymongo.timeout(BOUND_SECONDS), translated():
            self._mongo["instances"].update_one({"_id": instance_id}, pipeline, upsert=True)

    def leave(self, instance_id: str) -> None:
        """Mark an instance as stopped. Raises Unavailable."""
        with pymongo.timeout(GOODBYE_SECONDS), translated():
            self._mongo["instances"].delete_one({"_id": instance_id})

    def instances(self) -> tuple[Instance, ...]:
        """Return the instances alive or lost in the last ten minutes, ordered by start. Raises Unavailable."""
        silent = {"$dateDiff": {"startDate": "$seenAt", "endDate": "$$NOW", "unit": "second"}}
        pipeline: list[Document] = [
            {"$set": {"silentSeconds": silent}},
            # An instance last seen in the future (its clock ran ahead) is gone: otherwise it would have reported again.
            {"$match": {"silentSeconds": {"$gte": -CLOCK_DIFFERENCE_SECONDS, "$lt": LOST_SECONDS}}},
            {"$set": {"isAlive": {"$lt": ["$silentSeconds", ALIVE_SECONDS]}}},
            {"$sort": {"startedAt": 1, "_id": 1}},
        ]
        with pymongo.timeout(BOUND_SECONDS), translated():
            return tuple(from_document(each, Instance) for each in self._mongo["instances"].aggregate(pipeline))

    def keep(self, vital: Vital) -> None:
        """Keep what an instance measured. Raises Unavailable."""
        with pymongo.timeout(BOUND_SECONDS), translated():
            self._mongo["vitals"].insert_one(to_document(vital))

    def since(self, begin: datetime) -> tuple[Vital, ...]:
        """Return the samples of all instances since `begin`, ordered by time. Raises Unavailable."""
        with pymongo.timeout(BOUND_SECONDS), translated():
            found = self._mongo["vitals"].find({"at": {"$gte": begin}}, {"_id": 0}).sort("at", ASCENDING)
            return tuple(from_document(each, Vital) for each in found)
