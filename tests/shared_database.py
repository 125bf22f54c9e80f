"""The databases that the tests of one process share: before each test one is as it was after the first start."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient
from redis import Redis

Document = dict[str, Any]
Shape = tuple[Document, list[Document]]  # options and indexes of a collection
SCANNED_AT_ONCE = 1_000


@dataclass(frozen=True)
class Collection:
    """A collection as the first start left it."""

    shape: Shape
    documents: list[Document]


class SharedDatabase:
    """Restores the documents, collections and indexes of a database, and forgets its Redis keys."""

    def __init__(self, client: MongoClient[Document], redis: Redis, name: str) -> None:
        self.name = name
        self._client = client
        self._redis = redis
        self._database = client[name]
        self._start: Mapping[str, Collection] = {}
        self._closing: list[threading.Thread] = []

    def remember(self) -> None:
        """Remember the present state: every test begins with it."""
        self._start = {
            name: Collection(shape, list(self._database[name].find())) for name, shape in self._shapes().items()
        }

    def restore(self) -> None:
        """Restore the remembered state. A collection of another shape is dropped: the next start makes its indexes."""
        self.await_closed()
        for name, shape in self._shapes().items():
            if name not in self._start or self._start[name].shape != shape:
                self._database.drop_collection(name)
        for name in self._used(name for name, collection in self._start.items() if not collection.documents):
            self._database[name].delete_many({})
        for name, collection in self._start.items():
            if collection.documents and list(self._database[name].find()) != collection.documents:
                self._database[name].delete_many({})
                self._database[name].insert_many(collection.documents)
        self._forget_keys()

    def drop(self) -> None:
        """Drop the database and its Redis keys."""
        self.await_closed()
        self._client.drop_database(self.name)
        self._forget_keys()

    def close_later(self, close: Callable[[], None]) -> None:
        """Call `close` on a thread of its own, which is waited for before anybody uses the database again."""
        thread = threading.Thread(target=close, name="closing")
        self._closing.append(thread)
        thread.start()

    def await_closed(self) -> None:
        """Wait for all that is being closed."""
        while self._closing:
            self._closing.pop().join()

    def _used(self, names: Iterable[str]) -> list[str]:
        """Those of these collections that hold a document, asked for all at once."""
        named = {name: [{"$limit": 1}, {"$project": {"_id": False, "name": {"$literal": name}}}] for name in names}
        asked = [{"$unionWith": {"coll": name, "pipeline": first}} for name, first in named.items()]
        return [found["name"] for found in self._database["none"].aggregate(asked)]

    def _shapes(self) -> dict[str, Shape]:
        found = self._client.admin.aggregate([{"$listCatalog": {}}, {"$match": {"db": self.name}}])
        return {each["name"]: _shape(each["md"]) for each in found if not each["name"].startswith("system.")}

    def _forget_keys(self) -> None:
        keys = list(self._redis.scan_iter(f"*{self.name}*", count=SCANNED_AT_ONCE))
        if keys:
            self._redis.unlink(*keys)


class SharedDatabases:
    """Shared databases, used in turn: while a backend closes, which takes half a second, the next test has another."""

    def __init__(self, databases: Sequence[SharedDatabase]) -> None:
        self._databases = databases
        self._used = 0

    def next(self) -> SharedDatabase:
        """The database of the next test, restored."""
        self._used += 1
        database = self._databases[self._used % len(self._databases)]
        database.restore()
        return database


def _shape(catalogued: Document) -> Shape:
    options = {name: value for name, value in catalogued["options"].items() if name != "uuid"}
    return options, sorted((each["spec"] for each in catalogued["indexes"]), key=lambda spec: str(spec["name"]))
