"""The hash chain that makes the trail tamper-evident: each entry carries the hash of the one before. Pure.

The origin is hashed with a salt of its own and only that hash is chained, so that the address of a deleted person
can be taken out without breaking the chain (and cannot be guessed from the hash).
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC

from backend.audit.models import Entry, SealedEntry
from backend.kit.origin import Origin

START = "0" * 64


def sealed(entry: Entry, origin: Origin, salt: str, previous_hash: str) -> SealedEntry:
    """The entry with its place in the chain after the entry whose hash is `previous_hash`."""
    origin_hash = hash_of_origin(origin, salt)
    return SealedEntry(
        id=entry.id,
        at=entry.at,
        actor_id=entry.actor_id,
        actor_role=entry.actor_role,
        act=entry.act,
        target_kind=entry.target_kind,
        target_id=entry.target_id,
        before=entry.before,
        after=entry.after,
        origin=origin,
        salt=salt,
        origin_hash=origin_hash,
        previous_hash=previous_hash,
        hash=_hash(entry, origin_hash, previous_hash),
    )


def hash_of_origin(origin: Origin, salt: str) -> str:
    return _digest([salt, origin.address, origin.agent, origin.request_id])


def is_whole(entry: SealedEntry) -> bool:
    """Whether the entry says what it said when it was written."""
    if _hash(entry, entry.origin_hash, entry.previous_hash) != entry.hash:
        return False
    if entry.origin is None:
        return entry.salt is None
    return hash_of_origin(entry.origin, entry.salt or "") == entry.origin_hash


def broken_at(entries: Iterable[SealedEntry], first_id: int, previous_hash: str) -> tuple[int, int | None, str]:
    """How many entries were read, the id of the first one that is changed, missing or out of place, the last hash."""
    count, expected = 0, first_id
    for entry in entries:
        if entry.id != expected or entry.previous_hash != previous_hash or not is_whole(entry):
            return count, expected, previous_hash
        count, expected, previous_hash = count + 1, expected + 1, entry.hash
    return count, None, previous_hash


def _hash(entry: Entry, origin_hash: str, previous_hash: str) -> str:
    at = entry.at.astimezone(UTC).isoformat(timespec="milliseconds")
    return _digest(
        [
            previous_hash,
            str(entry.id),
            at,
            entry.actor_id,
            entry.actor_role,
            entry.act,
            entry.target_kind,
            entry.target_id,
            json.dumps(entry.before, sort_keys=True),
            json.dumps(entry.after, sort_keys=True),
            origin_hash,
        ]
    )


def _digest(parts: list[str]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
