"""Secrets that travel: random reference tokens (kept as SHA-256 only) and short-lived signed access tokens."""

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

import jwt

from backend.errors import NotSignedIn, Unavailable
from backend.kit.i18n import _

ISSUER = "chapter-performance"
AUDIENCE = "chapter-performance-api"
ALGORITHM = "HS256"
PURPOSE = "access"
ACCESS_SECONDS = 15 * 60
MIN_SECRET_LENGTH = 32


def new_token() -> str:
    """256 random bits, safe in a URL or cookie."""
    return secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """SHA-256 of a token: what is stored, so that a stolen database opens no session."""
    return hashlib.sha256(token.encode()).hexdigest()


def kept_secret(path: Path) -> str:
    """The secret in the file, made there (readable by this user alone) on first use.

    Raises Unavailable where the file can be neither read nor made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            with NamedTemporaryFile("w", dir=path.parent) as fresh, suppress(FileExistsError):
                fresh.write(secrets.token_urlsafe(48))
                fresh.flush()
                # Whole or not at all, whoever else starts at this moment and whatever kills us.
                os.link(fresh.name, path)
        return path.read_text().strip()
    except OSError as error:
        raise Unavailable(
            _("The secret of this school cannot be kept in {path}: {reason}. Choose another DATA_DIR.").format(
                path=path, reason=error.strerror
            )
        ) from error


@dataclass(frozen=True)
class AccessClaims:
    """Whom an access token speaks for, and the session it lives and dies with."""

    user_id: str
    session_id: str


class AccessTokens:
    """Signs and reads access tokens: one pinned algorithm, every token naming purpose, issuer, audience and key."""

    def __init__(self, secret: str) -> None:
        if len(secret) < MIN_SECRET_LENGTH:
            raise ValueError(f"the signing secret needs at least {MIN_SECRET_LENGTH} characters")
        self._secret = secret
        self._key_id = hashlib.sha256(secret.encode()).hexdigest()[:8]

    def sign(self, claims: AccessClaims, now: datetime) -> str:
        """A token good for 15 minutes."""
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": claims.user_id,
            "sid": claims.session_id,
            "purpose": PURPOSE,
            "iat": now,
            "exp": now + timedelta(seconds=ACCESS_SECONDS),
            "jti": secrets.token_hex(8),
        }
        return jwt.encode(payload, self._secret, algorithm=ALGORITHM, headers={"kid": self._key_id})

    def read(self, token: str, now: datetime) -> AccessClaims:
        """What the token says. Raises NotSignedIn for one that is forged, foreign, or expired at `now`."""
        try:
            payload = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                # Expiry is checked below, against the clock that was handed in.
                options={"require": ["exp", "iat", "sub", "jti"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError as error:
            raise NotSignedIn(_("This access token is not valid."), code="token_invalid") from error
        if payload.get("purpose") != PURPOSE or not isinstance(payload.get("sid"), str):
            raise NotSignedIn(_("This access token is not valid."), code="token_invalid")
        if payload["exp"] <= now.timestamp():
            raise NotSignedIn(_("This access token has expired."), code="token_expired")
        return AccessClaims(user_id=payload["sub"], session_id=payload["sid"])
