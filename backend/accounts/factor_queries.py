"""The second factor of a person, inside their document in the collection users. Secrets are encrypted or hashed."""

from datetime import datetime
from typing import Any

from backend.kit.model import Shape, from_document
from backend.kit.mongo.client import Mongo, translated


class Factor(Shape, frozen=True, kw_only=True):
    """A second factor as stored. `last_step` is the last time step whose code was used."""

    sealed: str
    key_id: str = ""
    last_step: int = 0
    recovery_salt: str = ""
    recovery_hashes: tuple[str, ...] = ()


class PendingFactor(Shape, frozen=True, kw_only=True):
    """A second factor that is being set up: kept until its first code arrives."""

    sealed: str
    expires_at: datetime


class CodeAttempts(Shape, frozen=True, kw_only=True):
    """The number of wrong codes since the last right one, and when the next may be tried."""

    failures: int = 0
    retry_at: datetime | None = None


class FactorRecord(Shape, frozen=True, kw_only=True):
    """All that is stored of a person's second factor."""

    second_factor: Factor | None = None
    pending_factor: PendingFactor | None = None
    factor_attempts: CodeAttempts | None = None


class FactorQueries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def find(self, user_id: str) -> FactorRecord:
        """Return what is stored of a person's second factor; an empty record if there is no such person."""
        names = ("secondFactor", "pendingFactor", "factorAttempts")
        with translated():
            found = self._mongo["users"].find_one({"_id": user_id}, {"_id": 0, **dict.fromkeys(names, 1)})
        return from_document(found or {}, FactorRecord)

    def set_pending(self, user_id: str, sealed: str, expires_at: datetime) -> None:
        self._set(user_id, {"pendingFactor": {"sealed": sealed, "expiresAt": expires_at}})

    def set_factor(self, user_id: str, factor: Factor, since: datetime, *, sealed: str) -> bool:
        """Put the pending factor (as it was `sealed`) into force; False where another one is pending by now."""
        kept = {
            "sealed": factor.sealed,
            "keyId": factor.key_id,
            "lastStep": factor.last_step,
            "recoverySalt": factor.recovery_salt,
            "recoveryHashes": list(factor.recovery_hashes),
        }
        with translated():
            changed = self._mongo["users"].update_one(
                {"_id": user_id, "pendingFactor.sealed": sealed},
                {"$set": {"secondFactor": kept, "secondFactorAt": since}, "$unset": {"pendingFactor": ""}},
            )
        return changed.modified_count > 0

    def set_recovery(self, user_id: str, salt: str, hashes: tuple[str, ...]) -> bool:
        """New recovery codes in the place of all old ones."""
        kept = {"secondFactor.recoverySalt": salt, "secondFactor.recoveryHashes": list(hashes)}
        with translated():
            changed = self._mongo["users"].update_one(
                {"_id": user_id, "secondFactor": {"$type": "object"}}, {"$set": kept}
            )
        return changed.modified_count > 0

    def drop_factor(self, user_id: str) -> bool:
        """Take the second factor away; False where there was none."""
        gone = {"secondFactor": "", "pendingFactor": "", "factorAttempts": ""}
        with translated():
            changed = self._mongo["users"].update_one(
                {"_id": user_id, "secondFactor": {"$type": "object"}},
                {"$unset": gone, "$set": {"secondFactorAt": None}},
            )
        return changed.modified_count > 0

    # codes, each of which works once

    def spend_step(self, user_id: str, step: int) -> bool:
        """Mark the code of this time step as used; return False if it, or a newer one, was used before."""
        with translated():
            changed = self._mongo["users"].update_one(
                {"_id": user_id, "secondFactor.lastStep": {"$lt": step}}, {"$set": {"secondFactor.lastStep": step}}
            )
        return changed.modified_count > 0

    def spend_recovery(self, user_id: str, hashed: str) -> bool:
        """Spend a recovery code; return whether it was one of this person's."""
        with translated():
            changed = self._mongo["users"].update_one(
                {"_id": user_id, "secondFactor.recoveryHashes": hashed},
                {"$pull": {"secondFactor.recoveryHashes": hashed}},
            )
        return changed.modified_count > 0

    # attempts

    def count_attempt(self, user_id: str, before: CodeAttempts, retry_at: datetime) -> bool:
        """Count one more attempt before it is checked; return False if another was counted meanwhile."""
        path = {"factorAttempts.failures": before.failures} if before.failures else {"factorAttempts": None}
        kept = {"failures": before.failures + 1, "retryAt": retry_at}
        with translated():
            changed = self._mongo["users"].update_one({"_id": user_id, **path}, {"$set": {"factorAttempts": kept}})
        return changed.modified_count > 0

    def forget_attempts(self, user_id: str) -> None:
        with translated():
            self._mongo["users"].update_one({"_id": user_id}, {"$unset": {"factorAttempts": ""}})

    # encryption with another key

    def sealed_otherwise(self, key_id: str) -> list[tuple[str, str]]:
        """Return the id and the sealed secret of everybody whose secret was sealed with another key."""
        wanted = {"secondFactor.keyId": {"$exists": True, "$ne": key_id}}
        with translated():
            found = self._mongo["users"].find(wanted, {"secondFactor.sealed": 1})
            return [(each["_id"], each["secondFactor"]["sealed"]) for each in found]

    def seal_anew(self, user_id: str, old: str, new: str, key_id: str) -> None:
        """The same secret under another key, unless it was changed meanwhile."""
        with translated():
            self._mongo["users"].update_one(
                {"_id": user_id, "secondFactor.sealed": old},
                {"$set": {"secondFactor.sealed": new, "secondFactor.keyId": key_id}},
            )

    def _set(self, user_id: str, fields: dict[str, Any]) -> None:
        with translated():
            self._mongo["users"].update_one({"_id": user_id}, {"$set": fields})
