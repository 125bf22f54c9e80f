"""Passwords: Argon2id with the parameters of the OWASP minimum, a few at once, and none of the most common.

How a password is coded makes no difference: it is hashed in NFC with plain spaces (OpaqueString of RFC 8265).
"""

import unicodedata
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import hash_secret_raw

from backend.errors import Invalid
from backend.kit.i18n import _
from backend.kit.security.hashing_queue import HashingQueue

MIN_LENGTH = 8
MAX_LENGTH = 128
_LONGEST_TYPED = 4 * MAX_LENGTH  # decomposed letters may be four characters each
COMMON_COUNT = 3_000
AT_ONCE = 4  # each verification holds 19 MiB

# OWASP Password Storage Cheat Sheet: Argon2id, 19 MiB, 2 passes, 1 lane.
_PASSES, _KIBIBYTES = 2, 19_456
_HASHER = PasswordHasher(time_cost=_PASSES, memory_cost=_KIBIBYTES, parallelism=1)
_QUEUE = HashingQueue(AT_ONCE)


def hash_password(password: str) -> str:
    """The Argon2id hash of a password, parameters and salt included. Raises RateLimited where too many wait."""
    with _QUEUE.turn():
        return _HASHER.hash(_prepared(password))


def hash_new_password(password: str) -> str:
    """As `hash_password`, for a password that is being chosen. Raises Invalid as `check_new_password` does."""
    check_new_password(password)
    return hash_password(password)


def verify_password(hashed: str | None, password: str) -> bool:
    """Whether the password fits. An unknown account (None) costs the same time as a known one.

    Raises RateLimited where too many wait for their turn.
    """
    nobodys = _dummy_hash()  # also where it is not wanted, or the first unknown account of a process would cost two
    return any(_fits(hashed or nobodys, form) for form in _forms(password)) and hashed is not None


def hash_short_secret(secret: str, salt: bytes) -> str:
    """Argon2id of a secret too short for a plain hash, such as a recovery code; its salt is kept beside it."""
    with _QUEUE.turn():
        made = hash_secret_raw(
            secret.encode(), salt, time_cost=_PASSES, memory_cost=_KIBIBYTES, parallelism=1, hash_len=32, type=Type.ID
        )
    return made.hex()


def needs_rehash(hashed: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(hashed)


def check_new_password(password: str) -> None:
    """Raises Invalid where a new password is too short, too long, or one of the 3,000 most common."""
    password = unicodedata.normalize("NFC", password[: _LONGEST_TYPED + 1])
    if len(password) < MIN_LENGTH:
        raise Invalid(_("A password needs at least {count} characters.").format(count=MIN_LENGTH))
    if len(password) > MAX_LENGTH:
        raise Invalid(_("A password may have at most {count} characters.").format(count=MAX_LENGTH))
    if password.lower() in _common():
        raise Invalid(_("This is one of the most common passwords. Please choose another."))


def _fits(hashed: str, password: str) -> bool:
    with _QUEUE.turn():
        try:
            return _HASHER.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False


def _prepared(password: str) -> str:
    spaced = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in password[:_LONGEST_TYPED])
    return unicodedata.normalize("NFC", spaced)[:MAX_LENGTH]


def _forms(password: str) -> tuple[str, ...]:
    """The form that is hashed today, and those that were hashed as typed before: one for a password in ASCII."""
    typed = password[:_LONGEST_TYPED]
    return tuple(
        dict.fromkeys((_prepared(typed), typed[:MAX_LENGTH], unicodedata.normalize("NFD", typed)[:MAX_LENGTH]))
    )


@cache
def _dummy_hash() -> str:
    return _HASHER.hash("nobody has this password")


@cache
def _common() -> frozenset[str]:
    # Rank counts from 1 among passwords that could pass the length rule at all.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415  (0.8 MB, needed only when a password is set)

    candidates = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= MIN_LENGTH]
    return frozenset(candidates[:COMMON_COUNT])
