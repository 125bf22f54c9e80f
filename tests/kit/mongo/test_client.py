"""The way to MongoDB: safe options, values that come back, driver errors in words, indexes that follow the code.

Written for pymongo 4.20 (tests/kit/test_driver_versions.py).
"""

import pytest
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
)

from backend.bootstrap import Backend
from backend.errors import Conflict, Unavailable
from backend.kit.mongo.client import Mongo, new_id, stable_id, translated


def test_the_safe_options_hold_unless_the_address_says_otherwise() -> None:
    """Majority writes and short waits are the default; an address may overrule them."""
    plain = Mongo("mongodb://127.0.0.1:1/", "x")
    own = Mongo("mongodb://127.0.0.1:1/?timeoutMS=2000&w=1", "x")
    try:
        assert (plain.client.options.timeout, plain.client.write_concern.document) == (10.0, {"w": "majority"})
        assert (own.client.options.timeout, own.client.write_concern.document) == (2.0, {"w": 1})
    finally:
        plain.close()
        own.close()


def test_a_ping_is_a_value_written_and_read_back(backend: Backend) -> None:
    """It takes a time that can be shown."""
    assert 0 < backend.mongo.ping_by_value() < 10


def test_a_declared_index_that_changed_replaces_the_old_one(backend: Backend) -> None:
    """A data folder of an older version starts: the index under the same name becomes what the code says."""
    backend.mongo.ensure_indexes({"things": [IndexModel([("a", ASCENDING)], name="one")]})
    backend.mongo.ensure_indexes({"things": [IndexModel([("a", ASCENDING), ("b", DESCENDING)], name="one")]})
    kept = backend.mongo["things"].index_information()["one"]
    assert kept["key"] == [("a", 1), ("b", -1)]


@pytest.mark.parametrize(
    ("raised", "shown"),
    [
        (DuplicateKeyError("E11000"), Conflict),
        (AutoReconnect("gone"), Unavailable),
        (NetworkTimeout("slow"), Unavailable),
    ],
)
def test_driver_errors_become_sentences(raised: Exception, shown: type[Exception]) -> None:
    """No page ever shows what a driver says; the cause stays attached for the log."""
    with pytest.raises(shown) as caught, translated():
        raise raised
    assert caught.value.__cause__ is raised


LABELLED = AutoReconnect("gone", errors={"errorLabels": ["UnknownTransactionCommitResult"]})
UNDONE = OperationFailure("conflict", 112, {"errorLabels": ["TransientTransactionError"]})


@pytest.mark.parametrize(
    ("raised", "code", "says"),
    [
        (ServerSelectionTimeoutError("nobody"), "unavailable", "Nothing was changed"),
        (UNDONE, "unavailable", "Nothing was changed"),
        (NetworkTimeout("slow"), "unavailable", "Please try again"),
        (LABELLED, "unconfirmed", "It may have been saved"),
        (WriteConcernError("interrupted", 11602), "unconfirmed", "It may have been saved"),
        (
            BulkWriteError({"writeErrors": [], "writeConcernErrors": [{"code": 64}]}),
            "unconfirmed",
            "may have been saved",
        ),
    ],
)
def test_a_sentence_says_no_more_than_is_known(raised: PyMongoError, code: str, says: str) -> None:
    """That nothing was changed is said only where nothing can have been; what may have been saved is told as that."""
    with pytest.raises(Unavailable, match=says) as caught, translated():
        raise raised
    assert caught.value.code == code
    assert ("Nothing was changed" in caught.value.message) == (says == "Nothing was changed")


def test_what_is_no_outage_stays_what_it_is() -> None:
    """A command that the server does not take is our own mistake, and is not called an outage."""
    wrong = OperationFailure("no such command", 59)
    with pytest.raises(OperationFailure) as caught, translated():
        raise wrong
    assert caught.value is wrong


def test_ids_are_fresh_or_stable() -> None:
    """A new id is never the same twice; a stable one follows from its parts alone, and from where they part."""
    assert new_id() != new_id()
    assert stable_id("a", "b") == stable_id("a", "b") != stable_id("ab")
