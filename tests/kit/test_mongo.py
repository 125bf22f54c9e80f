"""Facts about the way to MongoDB that no feature's own tests show."""

import pytest
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from backend.bootstrap import Backend


def test_an_index_declared_otherwise_is_replaced(backend: Backend) -> None:
    """A newer version that declares an index anew under its old name starts on the data of the older one."""
    notes = backend.mongo["notes"]
    backend.mongo.ensure_indexes({"notes": [IndexModel([("a", ASCENDING)], name="one")]})
    longer = IndexModel([("a", ASCENDING), ("b", ASCENDING)], name="one")
    other = IndexModel([("c", ASCENDING)], name="two")
    backend.mongo.ensure_indexes({"notes": [longer, other]})
    assert notes.index_information()["one"]["key"] == [("a", 1), ("b", 1)]
    assert "two" in notes.index_information()

    backend.mongo.ensure_indexes({"notes": [IndexModel([("c", ASCENDING)], name="two", unique=True)]})
    notes.insert_one({"c": 1})
    with pytest.raises(DuplicateKeyError):
        notes.insert_one({"c": 1})
