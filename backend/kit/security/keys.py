"""The secret keys of a school: each has a name, the first one is used, the others are accepted until they go."""

import hashlib
import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from backend.errors import Unavailable
from backend.kit.i18n import _

MIN_SECRET_LENGTH = 32
MIN_DIFFERENT_CHARACTERS = 8
_NAME = re.compile(r"[A-Za-z0-9._-]{1,32}")
_PLACEHOLDER = re.compile(
    r"change.?me|change.?this|placeholder|your.?secret|example|insecure|<|password", re.IGNORECASE
)


@dataclass(frozen=True)
class Key:
    """One secret. `until` is the last day (UTC) on which what it signed is accepted; None: while it stands here."""

    id: str
    secret: str = field(repr=False)
    until: date | None = None

    def is_accepted(self, at: datetime) -> bool:
        """Whether what this key signed is accepted at this moment."""
        return self.until is None or at.astimezone(UTC).date() <= self.until


class KeyRing:
    """All keys, in order; the first one signs and seals. Raises ValueError for a ring that cannot be used."""

    def __init__(self, keys: Sequence[Key]) -> None:
        if not keys:
            raise ValueError("there is no key")
        if len({key.id for key in keys}) < len(keys):
            raise ValueError("two keys have the same name")
        if keys[0].until:
            raise ValueError(f"the first key, {keys[0].id}, signs and may have no last day")
        for key in keys:
            if is_weak(key.secret):
                raise ValueError(f"the key {key.id} needs at least {MIN_SECRET_LENGTH} random characters")
        self.keys = tuple(keys)

    @property
    def first(self) -> Key:
        """The key that signs and seals."""
        return self.keys[0]

    def accepted(self, key_id: object, at: datetime) -> Key | None:
        """The key of this name, where what it signed is accepted at this moment."""
        key = self.named(key_id)
        return key if key and key.is_accepted(at) else None

    def named(self, key_id: object) -> Key | None:
        """The key of this name, accepted or not."""
        return next((key for key in self.keys if key.id == key_id), None)


def parse_keys(text: str) -> list[Key]:
    """Keys written as NAME:SECRET or NAME:SECRET:YYYY-MM-DD (the last day), by commas, spaces or lines.

    A secret without a name is named after its SHA-256. Raises ValueError, without telling any secret.
    """
    entries = [entry for entry in re.split(r"[,\s]+", text) if entry]
    if not entries:
        raise ValueError("there is no key")
    return [_parsed(entry, number) for number, entry in enumerate(entries, 1)]


def unnamed(secret: str) -> Key:
    """A key that is known by its secret alone."""
    return Key(hashlib.sha256(secret.encode()).hexdigest()[:8], secret)


def is_weak(secret: str) -> bool:
    """Whether a secret is short, monotonous or a placeholder that somebody forgot to replace."""
    few = len(set(secret)) < MIN_DIFFERENT_CHARACTERS
    return len(secret) < MIN_SECRET_LENGTH or few or bool(_PLACEHOLDER.search(secret))


def kept_secret(path: Path) -> str:
    """Return the secret in the file; make the file, readable by this user alone, with a fresh secret on first use.

    Raises Unavailable if the file can be neither read nor made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            with NamedTemporaryFile("w", dir=path.parent) as fresh, suppress(FileExistsError):
                fresh.write(secrets.token_urlsafe(48))
                fresh.flush()
                os.fsync(fresh.fileno())
                # The link is atomic, even if other processes start now, or this one or the machine dies.
                os.link(fresh.name, path)
        return path.read_text().strip()
    except OSError as error:
        raise Unavailable(
            _("The secret of this school cannot be kept in {path}: {reason}. Choose another DATA_DIR.").format(
                path=path, reason=error.strerror
            )
        ) from error


def _parsed(entry: str, number: int) -> Key:
    parts = entry.split(":")
    if len(parts) == 1:
        return unnamed(entry)
    name, secret, *last = parts
    if not _NAME.fullmatch(name) or len(last) > 1:
        raise ValueError(f"key {number} is not written NAME:SECRET or NAME:SECRET:YYYY-MM-DD")
    try:
        return Key(name, secret, date.fromisoformat(last[0]) if last else None)
    except ValueError:
        raise ValueError(f"the last day of the key {name} is not written YYYY-MM-DD") from None
