"""One act that is sent twice is done once: the transaction that does it leaves a mark under the act's key.

The mark is committed with the act or not at all, so a caller that lost the answer can learn the outcome.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

COLLECTION = "replays"  # beside the answers to programs (kit/idempotency.py), which end by the same index
KEPT = timedelta(hours=48)  # promised are 24 h; a clock may be moved meanwhile

_acting: ContextVar["_Act | None"] = ContextVar("acting", default=None)


@dataclass
class _Act:
    key: str
    committed: int = 0


class DoneAlready(Exception):
    """The act with this key was done before, but its answer was lost. For the caller that gave the key."""


@contextmanager
def acting(key: str) -> Iterator[None]:
    """Inside, each transaction is committed once for `key`, by whomever and in whichever process.

    Their order tells them apart: an act that is done in several must do them in the same order each time.
    """
    token = _acting.set(_Act(key))
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def aside() -> Iterator[None]:
    """Inside, transactions do not belong to the current act, such as those that only report on it."""
    token = _acting.set(None)
    try:
        yield
    finally:
        _acting.reset(token)


def next_mark() -> str:
    """The mark of the transaction that is about to begin; "" outside of an act."""
    act = _acting.get()
    return _mark(act.key, act.committed) if act else ""


def count_committed() -> None:
    """The transaction that was begun is done: another one of the same act has another mark."""
    act = _acting.get()
    if act:
        act.committed += 1


def leave(database: Database[dict[str, Any]], session: ClientSession, mark: str) -> None:
    """Leave the mark within the transaction. Raises DoneAlready where it is there."""
    document = {"_id": mark, "isDone": True, "expiresAt": datetime.now(UTC) + KEPT}
    try:
        database[COLLECTION].insert_one(document, session=session)
    except DuplicateKeyError as error:
        raise DoneAlready from error


def is_done(database: Database[dict[str, Any]], session: ClientSession, key: str) -> bool:
    """Whether the act with this key was done, or begun where it takes several transactions."""
    return database[COLLECTION].find_one({"_id": _mark(key, 0)}, {"_id": 1}, session=session) is not None


def _mark(key: str, place: int) -> str:
    return sha256(f"act\x1f{key}\x1f{place}".encode()).hexdigest()
