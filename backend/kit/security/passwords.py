"""Passwords: Argon2id with the parameters of the OWASP minimum, a few at once, and none of the most common."""

import threading
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import hash_secret_raw

from backend.errors import Invalid
from backend.kit.i18n import _

MIN_LENGTH = 8
MAX_LENGTH = 128
COMMON_COUNT = 3_000
AT_ONCE = 4  # each verification holds 19 MiB

# OWASP Password Storage Cheat Sheet: Argon2id, 19 MiB, 2 passes, 1 lane.
_PASSES, _KIBIBYTES = 2, 19_456
_HASHER = PasswordHasher(time_cost=_PASSES, memory_cost=_KIBIBYTES, parallelism=1)
_SLOTS = threading.BoundedSemaphore(AT_ONCE)


def hash_password(password: str) -> str:
    """The Argon2id hash of a password, parameters and salt included."""
    with _SLOTS:
        return _HASHER.hash(password)


def verify_password(hashed: str | None, password: str) -> bool:
    """Whether the password fits. An unknown account (None) costs the same time as a known one."""
    nobodys = _dummy_hash()  # also where it is not wanted, or the first unknown account of a process would cost two
    with _SLOTS:
        try:
            return _HASHER.verify(hashed or nobodys, password) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False


def hash_short_secret(secret: str, salt: bytes) -> str:
    """Argon2id of a secret too short for a plain hash, such as a recovery code; its salt is kept beside it."""
    with _SLOTS:
        made = hash_secret_raw(
            secret.encode(), salt, time_cost=_PASSES, memory_cost=_KIBIBYTES, parallelism=1, hash_len=32, type=Type.ID
        )
    return made.hex()


def needs_rehash(hashed: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(hashed)


def check_new_password(password: str) -> None:
    """Raises Invalid where a new password is too short, too long, or one of the 3,000 most common."""
    if len(password) < MIN_LENGTH:
        raise Invalid(_("A password needs at least {count} characters.").format(count=MIN_LENGTH))
    if len(password) > MAX_LENGTH:
        raise Invalid(_("A password may have at most {count} characters.").format(count=MAX_LENGTH))
    if password.lower() in _common():
        raise Invalid(_("This is one of the most common passwords. Please choose another."))


@cache
def _dummy_hash() -> str:
    return _HASHER.hash("nobody has this password")


@cache
def _common() -> frozenset[str]:
    # Rank counts from 1 among passwords that could pass the length rule at all.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415  (0.8 MB, needed only when a password is set)

    candidates = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= MIN_LENGTH]
    return frozenset(candidates[:COMMON_COUNT])
