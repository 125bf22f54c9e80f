"""Changes of many chapters at once: kept with every chapter before and after, carried out in steps. Their collections,
and the state of the catalogue that keeps one change after the other."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession

from backend.chapters.models import CatalogueChange, CatalogueStep, ChangeState
from backend.chapters.queries import STATE
from backend.kit.model import from_document, to_document
from backend.kit.mongo.client import Document, Mongo, translated

CHANGES, STEPS = "catalogueChanges", "catalogueSteps"
KEPT_SECONDS = 90 * 86_400  # so long an import can be looked at, and taken back while nothing came after
WRITTEN_AT_ONCE = 1_000
INDEXES = {
    CHANGES: [
        IndexModel([("at", ASCENDING)], name="leaves", expireAfterSeconds=KEPT_SECONDS),
    ],
    STEPS: [
        IndexModel([("changeId", ASCENDING), ("place", ASCENDING)], name="order"),
        IndexModel([("at", ASCENDING)], name="leaves", expireAfterSeconds=KEPT_SECONDS),
    ],
}


class ChangeQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def write_steps(self, change: CatalogueChange, steps: Iterable[CatalogueStep]) -> None:
        """Store the steps of a change before it begins; steps of a change that never begins expire."""
        with translated():
            for part in _parts(_step_documents(change, steps), WRITTEN_AT_ONCE):
                self._mongo[STEPS].insert_many(part, ordered=False)

    def begin(self, session: ClientSession, change: CatalogueChange) -> None:
        """Mark a change as running, for every process: no other change may begin before it ends."""
        self._mongo[CHANGES].insert_one(to_document(change), session=session)
        self._mongo[STATE].update_one({"_id": STATE}, {"$set": {"running": change.id}}, upsert=True, session=session)

    def end(self, session: ClientSession, change_id: str, state: ChangeState, message: str = "") -> None:
        """Mark the change as finished; others may begin."""
        self._mongo[CHANGES].update_one(
            {"_id": change_id, "state": "running"}, {"$set": {"state": state, "message": message}}, session=session
        )
        self._mongo[STATE].update_one(
            {"_id": STATE, "running": change_id}, {"$set": {"running": None}}, session=session
        )

    def mark_undone(self, session: ClientSession, change_id: str) -> bool:
        """Mark an import as undone; return False if it was undone before."""
        wanted = {"_id": change_id, "state": {"$in": ["done", "failed"]}}
        return (
            self._mongo[CHANGES].update_one(wanted, {"$set": {"state": "undone"}}, session=session).matched_count == 1
        )

    def running(self) -> CatalogueChange | None:
        """The change under way; None while there is none."""
        with translated():
            state = self._mongo[STATE].find_one({"_id": STATE})
            found = self._mongo[CHANGES].find_one({"_id": state["running"]}) if state and state.get("running") else None
        return from_document(found, CatalogueChange) if found else None

    def change(self, change_id: str) -> CatalogueChange | None:
        with translated():
            found = self._mongo[CHANGES].find_one({"_id": change_id})
        return from_document(found, CatalogueChange) if found else None

    def newest(self, count: int) -> tuple[CatalogueChange, ...]:
        """The latest changes, newest first."""
        with translated():
            found = self._mongo[CHANGES].find().sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(count)
            return tuple(from_document(each, CatalogueChange) for each in found)

    def move(self, session: ClientSession, change: CatalogueChange, count: int) -> bool:
        """Count the next `count` chapters as done; False where another process did that meanwhile."""
        here = {"_id": change.id, "state": "running", "done": change.done}
        found = self._mongo[CHANGES].find_one_and_update(
            here, {"$inc": {"done": count}}, session=session, return_document=ReturnDocument.AFTER
        )
        return found is not None

    def steps(self, change_id: str, first: int, count: int | None = None) -> tuple[CatalogueStep, ...]:
        """The chapters of a change from place `first` on."""
        wanted = {"changeId": change_id, "place": {"$gte": first, **({"$lt": first + count} if count else {})}}
        with translated():
            found = self._mongo[STEPS].find(wanted, batch_size=WRITTEN_AT_ONCE).sort("place", ASCENDING)
            return tuple(from_document(each, CatalogueStep) for each in found)


def _step_documents(change: CatalogueChange, steps: Iterable[CatalogueStep]) -> Iterator[Document]:
    at: datetime = change.at
    for place, step in enumerate(steps):
        yield {"_id": f"{change.id}:{place}", "changeId": change.id, "place": place, "at": at, **to_document(step)}


def _parts(documents: Iterator[Document], size: int) -> Iterator[Sequence[Document]]:
    part: list[Document] = []
    for document in documents:
        part.append(document)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
