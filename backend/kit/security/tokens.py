"""Secrets that travel: random reference tokens (kept as SHA-256 only) and short-lived signed access tokens."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import jwt

from backend.errors import NotSignedIn
from backend.kit.i18n import _
from backend.kit.security.keys import Key, KeyRing

ISSUER = "chapter-performance"
AUDIENCE = "chapter-performance-api"
ALGORITHM = "HS256"
PURPOSE = "access"
ACCESS_SECONDS = 15 * 60
TOKEN_LENGTH = 4096
REMEMBERED_TOKENS = 2_000
# RFC 7515 wants base64url alone; the library passes over other letters, and a token would have endless spellings.
_COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
REQUIRED = ["exp", "iat", "sub", "jti", "iss", "aud"]


def new_token() -> str:
    """256 random bits, safe in a URL or cookie."""
    return secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """SHA-256 of a token: what is stored, so that a stolen database opens no session."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True)
class AccessClaims:
    """Whom an access token speaks for, and the session it lives and dies with."""

    user_id: str
    session_id: str


class AccessTokens:
    """Signs and reads access tokens: one pinned algorithm, every token naming purpose, issuer, audience and key."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        # A whole token that was signed by us stays so; its times, and the last day of its key, are judged each time.
        self._signed = lru_cache(REMEMBERED_TOKENS)(self._verified)

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
        key = self._ring.first
        return jwt.encode(payload, key.secret, algorithm=ALGORITHM, headers={"kid": key.id})

    def read(self, token: str, now: datetime) -> AccessClaims:
        """Return the claims of the token. Raises NotSignedIn if it is forged, foreign, or expired at `now`."""
        key, payload = self._signed(token)
        if not key.is_accepted(now):
            raise _not_valid()
        user_id, session_id, expires = payload["sub"], payload.get("sid"), payload["exp"]
        if payload.get("purpose") != PURPOSE or not isinstance(session_id, str) or not isinstance(expires, int | float):
            raise _not_valid()
        if expires <= now.timestamp():
            raise NotSignedIn(_("This access token has expired."), code="token_expired")
        return AccessClaims(user_id=user_id, session_id=session_id)

    def _verified(self, token: str) -> tuple[Key, dict[str, Any]]:
        """The payload, and our own key that has vouched for it. What a header says of keys elsewhere is refused."""
        try:
            if len(token) > TOKEN_LENGTH or not _COMPACT.fullmatch(token):
                raise _not_valid()
            header = jwt.get_unverified_header(token)
            key = self._ring.named(header.get("kid"))
            if key is None or set(header) - {"alg", "typ", "kid"}:
                raise _not_valid()
            payload = jwt.decode(
                token,
                key.secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                # Expiry is checked by the caller, against the clock that was handed in.
                options={"require": REQUIRED, "verify_exp": False, "verify_iat": False, "strict_aud": True},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise _not_valid() from error
        return key, payload


def _not_valid() -> NotSignedIn:
    return NotSignedIn(_("This access token is not valid."), code="token_invalid")
