"""One act, however often it is sent: what was answered to a key is kept for a day and given back. Knows no door.

Kept sealed in MongoDB, so that neither a stolen database tells an answer, nor a second process does the act again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from backend.errors import AppError, Conflict
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.kit.mongo.client import Document, Mongo, new_id, translated
from backend.kit.security.encryption import Sealer

COLLECTION = "replays"
INDEXES = {COLLECTION: [IndexModel([("expiresAt", ASCENDING)], name="expired", expireAfterSeconds=0)]}
KEPT = timedelta(hours=48)  # promised are 24 h; a clock may be moved meanwhile
CLAIM = timedelta(seconds=90)  # longer than any request takes: whoever is silent for so long has died
MOST_BYTES = 4 * 1024 * 1024  # a document of MongoDB takes 16 MB, and sealing makes a third more


class KeyReused(AppError):
    """The key was used before for something else: replaying that would swallow this act."""

    status = 422
    code = "key_reused"


class KeyInUse(Conflict):
    """The first request with this key is still at work."""

    code = "key_in_use"


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """An answer as it was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Content(msgspec.Struct, frozen=True, array_like=True):
    fingerprint: str
    kept: Kept | None = None


@dataclass(frozen=True)
class Claim:
    """The right to do the act now: to be given to `keep` or `release`."""

    id: str
    token: str
    fingerprint: str


class Replays:
    """Answers by owner and key. Thread-safe, and across processes: MongoDB decides who was first."""

    def __init__(self, mongo: Mongo, sealer: Sealer, clock: Clock) -> None:
        self._mongo = mongo
        self._sealer = sealer
        self._clock = clock

    def begin(self, owner: str, key: str, fingerprint: str) -> Claim | Kept:
        """The answer kept under this key, or the claim to do the act, which is nobody else's until then.

        Raises KeyReused where the key stands for another act, KeyInUse while the first is at work.
        """
        now = self._clock.now()
        claim = Claim(_id(owner, key), new_id(), fingerprint)
        with translated():
            try:
                self._mongo[COLLECTION].insert_one({"_id": claim.id, **self._claimed(claim, now)})
            except DuplicateKeyError:
                found = self._mongo[COLLECTION].find_one({"_id": claim.id})
                return self._known(found, claim, now)
        return claim

    def keep(self, claim: Claim, kept: Kept) -> None:
        """Keep the answer to a claimed act; one that is too long is let go, and its key with it."""
        if len(kept.body) > MOST_BYTES:
            self.release(claim)
            return
        content = self._sealed(_Content(claim.fingerprint, kept))
        with translated():
            self._mongo[COLLECTION].update_one(
                {"_id": claim.id, "token": claim.token},
                {"$set": {"content": content, "isDone": True, "expiresAt": self._clock.now() + KEPT}},
            )

    def release(self, claim: Claim) -> None:
        """Nothing was done: the key is free again."""
        with translated():
            self._mongo[COLLECTION].delete_one({"_id": claim.id, "token": claim.token})

    def _known(self, found: Document | None, claim: Claim, now: datetime) -> Claim | Kept:
        content = self._opened(found) if found else None
        if content and content.fingerprint != claim.fingerprint:
            raise KeyReused(_("This Idempotency-Key was used before for another request. Make up a new one."))
        if content and content.kept:
            return content.kept
        # Gone meanwhile, sealed with a key that is no longer ours, or claimed by a process that has died.
        is_free = found is None or content is None or found["claimedUntil"] <= now
        if is_free and self._takes_over(found, claim, now):
            return claim
        raise KeyInUse(_("The first request with this Idempotency-Key is still at work. Try again in a moment."))

    def _takes_over(self, found: Document | None, claim: Claim, now: datetime) -> bool:
        fields = self._claimed(claim, now)
        if found is None:
            try:
                self._mongo[COLLECTION].insert_one({"_id": claim.id, **fields})
            except DuplicateKeyError:
                return False
            return True
        wanted = {"_id": claim.id, "token": found["token"]}
        return self._mongo[COLLECTION].update_one(wanted, {"$set": fields}).matched_count == 1

    def _claimed(self, claim: Claim, now: datetime) -> Document:
        return {
            "token": claim.token,
            "isDone": False,
            "content": self._sealed(_Content(claim.fingerprint)),
            "claimedUntil": now + CLAIM,
            "expiresAt": now + KEPT,
        }

    def _sealed(self, content: _Content) -> str:
        return self._sealer.seal(msgspec.json.encode(content).decode())

    def _opened(self, found: Document) -> _Content | None:
        text = self._sealer.open(found["content"])
        return msgspec.json.decode(text, type=_Content) if text else None


def fingerprint(*parts: bytes) -> str:
    """What tells one act from another. Only ever stored sealed: it may speak of a password."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _id(owner: str, key: str) -> str:
    return hashlib.sha256(f"{owner}\x1f{key}".encode()).hexdigest()
