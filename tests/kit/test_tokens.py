"""Access tokens: who can make one, what it must say, and when it ends."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from backend.errors import NotSignedIn
from backend.kit.tokens import (
    ACCESS_SECONDS,
    AUDIENCE,
    ISSUER,
    AccessClaims,
    AccessTokens,
    fingerprint,
    kept_secret,
    new_token,
)

SECRET, OTHER = "s" * 40, "o" * 40
NOW = datetime(2026, 11, 18, 6, 30, tzinfo=UTC)
CLAIMS = AccessClaims(user_id="user", session_id="session")


def forged(key: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    """A token made outside, with a payload that differs by `changes` (None leaves a claim out)."""
    payload: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user",
        "sid": "session",
        "purpose": "access",
        "iat": NOW,
        "exp": NOW + timedelta(minutes=5),
        "jti": "1",
    }
    payload = {name: value for name, value in (payload | changes).items() if value is not None}
    return jwt.encode(payload, key, algorithm=algorithm)


def test_a_token_says_who_and_which_session() -> None:
    """What was signed is what is read."""
    tokens = AccessTokens(SECRET)
    assert tokens.read(tokens.sign(CLAIMS, NOW), NOW) == CLAIMS
    assert tokens.read(forged(), NOW) == CLAIMS


def test_a_token_ends_after_a_quarter_of_an_hour() -> None:
    """It is good for 15 minutes by the clock that was handed in, not a second longer."""
    assert ACCESS_SECONDS == 15 * 60
    tokens = AccessTokens(SECRET)
    token = tokens.sign(CLAIMS, NOW)
    assert tokens.read(token, NOW + timedelta(seconds=ACCESS_SECONDS - 1)) == CLAIMS
    with pytest.raises(NotSignedIn) as caught:
        tokens.read(token, NOW + timedelta(seconds=ACCESS_SECONDS))
    assert caught.value.code == "token_expired"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "a.b.c",
        forged(OTHER),
        forged(iss="elsewhere"),
        forged(aud="elsewhere"),
        forged(purpose="refresh"),
        forged(purpose=None),
        forged(sid=None),
        forged(sid=7),
        forged(exp=None),
        forged(jti=None),
        forged("", algorithm="none"),
        forged("s" * 70, algorithm="HS512"),
    ],
)
def test_forged_and_foreign_tokens_are_refused(token: str) -> None:
    """Another key, issuer, audience, purpose or algorithm, and missing claims, are all the same: not valid."""
    with pytest.raises(NotSignedIn) as caught:
        AccessTokens(SECRET).read(token, NOW)
    assert caught.value.code == "token_invalid"


def test_a_changed_token_is_refused() -> None:
    """Changing one character of what a token says breaks it."""
    head, body, seal = AccessTokens(SECRET).sign(CLAIMS, NOW).split(".")
    swapped = body[:-2] + ("A" if body[-2] != "A" else "B") + body[-1]
    with pytest.raises(NotSignedIn):
        AccessTokens(SECRET).read(f"{head}.{swapped}.{seal}", NOW)


def test_a_short_secret_is_refused() -> None:
    """Nobody can start with a secret that could be guessed."""
    with pytest.raises(ValueError, match="32"):
        AccessTokens("x" * 31)


def test_reference_tokens_are_long_and_never_repeat() -> None:
    """256 random bits, whose fingerprint does not show them."""
    tokens = {new_token() for _each in range(1_000)}
    assert len(tokens) == 1_000
    assert all(len(token) == 43 for token in tokens)
    one = tokens.pop()
    assert one not in fingerprint(one)
    assert len(fingerprint(one)) == 64


def test_a_kept_secret_is_private_and_stays(tmp_path: Path) -> None:
    """The generated secret is readable by this user alone, long enough, and the same at the next start."""
    path = tmp_path / "secrets" / "jwt"
    first = kept_secret(path)
    assert AccessTokens(first)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kept_secret(path) == first
