"""Idempotency: the answer to a key is kept for a day and given back when the request is repeated.

Kept sealed in MongoDB, so that neither a stolen database tells an answer, nor a second process does the act again.
"""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from backend.errors import AppError, Conflict
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.kit.mongo import lease
from backend.kit.mongo.client import Document, Mongo, new_id, translated
from backend.kit.mongo.once_per_key import COLLECTION, KEPT
from backend.kit.observability import log
from backend.kit.security.encryption import Sealer

INDEXES = {COLLECTION: [IndexModel([("expiresAt", ASCENDING)], name="expired", expireAfterSeconds=0)]}
CLAIM_SECONDS = 8.0  # a process that renews no claim of its own for so long has died
RENEWALS = 4  # within that time, so that a moment without a primary costs no claim
_log = log.get(__name__)
MOST_BYTES = 4 * 1024 * 1024  # a document of MongoDB takes 16 MB, and sealing makes a third more


class KeyReused(AppError):
    """The key was used before for something else: replaying that would swallow this act."""

    status = 422
    code = "key_reused"


class KeyInUse(Conflict):
    """The first request with this key is still at work."""

    code = "key_in_use"


class ReplayedAnswer(msgspec.Struct, frozen=True, array_like=True):
    """An answer as it was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Content(msgspec.Struct, frozen=True, array_like=True):
    fingerprint: str
    kept: ReplayedAnswer | None = None


@dataclass(frozen=True)
class Claim:
    """The right to do the act now: to be given to `keep` or `release`."""

    id: str
    token: str
    fingerprint: str


class Replays:
    """Answers by owner and key. Thread-safe, and across processes: MongoDB decides who was first.

    A claim ends after `claim_seconds` by the clock of the database. While its act is at work this process renews it,
    however long that takes, so a key is free again soon after the death of the process that worked on it.
    """

    def __init__(self, mongo: Mongo, sealer: Sealer, clock: Clock, *, claim_seconds: float = CLAIM_SECONDS) -> None:
        self._mongo = mongo
        self._sealer = sealer
        self._clock = clock
        self._claim_seconds = claim_seconds
        self._at_work: dict[str, str] = {}  # by token the id of its claim
        self._lock = threading.Lock()
        self._renewer: threading.Thread | None = None
        self._closing = threading.Event()

    def begin(self, owner: str, key: str, fingerprint: str) -> Claim | ReplayedAnswer:
        """The answer kept under this key, or the claim to do the act, which is nobody else's until then.

        Raises KeyReused where the key stands for another act, KeyInUse while the first is at work.
        """
        claim = Claim(_id(owner, key), new_id(), fingerprint)
        with translated():
            if not self._inserts(claim):
                found = self._known(self._mongo[COLLECTION].find_one({"_id": claim.id}), claim)
                if isinstance(found, ReplayedAnswer):
                    return found
        self._work_on(claim)
        return claim

    def keep(self, claim: Claim, kept: ReplayedAnswer) -> None:
        """Keep the answer to a claimed act; one that is too long is let go, and its key with it.

        The act is done either way, so trouble with the database is logged and not raised; so it is by `release`.
        """
        if len(kept.body) > MOST_BYTES:
            self.release(claim)
            return
        self._end_work_on(claim)
        content = self._sealed(_Content(claim.fingerprint, kept))
        with _logged("answer_not_kept"):
            self._mongo[COLLECTION].update_one(
                {"_id": claim.id, "token": claim.token},
                {"$set": {"content": content, "isDone": True, "expiresAt": self._clock.now() + KEPT}},
            )

    def release(self, claim: Claim) -> None:
        """Give the claim back because nothing was done: the key is free at once, or when the claim expires."""
        self._end_work_on(claim)
        with _logged("claim_not_released"):
            self._mongo[COLLECTION].delete_one({"_id": claim.id, "token": claim.token})

    def close(self) -> None:
        """Stop renewing claims."""
        self._closing.set()
        if self._renewer is not None:
            self._renewer.join(timeout=2.0)

    def _known(self, found: Document | None, claim: Claim) -> Claim | ReplayedAnswer:
        content = self._opened(found) if found else None
        if content and content.fingerprint != claim.fingerprint:
            raise KeyReused(_("This Idempotency-Key was used before for another request. Make up a new one."))
        if content and content.kept:
            return content.kept
        # Gone meanwhile, sealed with a key that is no longer ours, or claimed by a process that has died.
        if self._inserts(claim) if found is None else self._takes_over(found, claim, is_read=content is not None):
            return claim
        raise KeyInUse(_("The first request with this Idempotency-Key is still at work. Try again in a moment."))

    def _inserts(self, claim: Claim) -> bool:
        """Insert the claim; return False if there is a document for its key."""
        try:
            self._mongo[COLLECTION].update_one(
                {"_id": claim.id, "token": {"$exists": False}}, self._claimed(claim), upsert=True
            )
        except DuplicateKeyError:
            return False
        return True

    def _takes_over(self, found: Document, claim: Claim, *, is_read: bool) -> bool:
        """Replace an expired claim, or one that cannot be decrypted."""
        wanted = {"_id": claim.id, "token": found["token"]} | ({"$expr": self._is_over()} if is_read else {})
        return self._mongo[COLLECTION].update_one(wanted, self._claimed(claim)).matched_count == 1

    def _claimed(self, claim: Claim) -> list[Document]:
        fields = {
            "token": claim.token,
            "isDone": False,
            "content": self._sealed(_Content(claim.fingerprint)),
            "expiresAt": self._clock.now() + KEPT,
        }
        return [{"$set": {name: {"$literal": value} for name, value in fields.items()} | self._term()}]

    def _term(self) -> Document:
        return {"claimedUntil": lease.ends_in(self._claim_seconds)}

    def _is_over(self) -> Document:
        return {"$not": [lease.is_held("$claimedUntil", self._claim_seconds)]}

    def _work_on(self, claim: Claim) -> None:
        """Renew the claim from now on, by one thread for all of this process."""
        with self._lock:
            self._at_work[claim.token] = claim.id
            if self._renewer is None:
                self._renewer = threading.Thread(target=self._renew, name="idempotency", daemon=True)
                self._renewer.start()

    def _end_work_on(self, claim: Claim) -> None:
        with self._lock:
            self._at_work.pop(claim.token, None)

    def _renew(self) -> None:
        while not self._closing.wait(self._claim_seconds / RENEWALS):
            with self._lock:
                at_work = dict(self._at_work)
            if at_work:
                self._renew_all(at_work)

    def _renew_all(self, at_work: Mapping[str, str]) -> None:
        mine = {"_id": {"$in": [*at_work.values()]}, "token": {"$in": [*at_work]}, "isDone": False}
        with _logged("claims_not_renewed"):
            self._mongo[COLLECTION].update_many(mine, [{"$set": self._term()}])

    def _sealed(self, content: _Content) -> str:
        return self._sealer.seal(msgspec.json.encode(content).decode())

    def _opened(self, found: Document) -> _Content | None:
        text = self._sealer.open(found["content"])
        return msgspec.json.decode(text, type=_Content) if text else None


@contextmanager
def _logged(event: str) -> Iterator[None]:
    """Log what goes wrong with the database, and go on."""
    try:
        with translated():
            yield
    except AppError as error:
        _log.warning(event, reason=error.message)


def fingerprint(*parts: bytes) -> str:
    """Return a hash of the parts, to tell acts apart. Stored only sealed, because the parts may hold a password."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _id(owner: str, key: str) -> str:
    return hashlib.sha256(f"{owner}\x1f{key}".encode()).hexdigest()
