"""Access tokens: who can make one, what it must say, when it ends, and how keys are changed."""

import base64
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import NotSignedIn
from backend.kit.security.keys import Key, KeyRing
from backend.kit.security.tokens import (
    ACCESS_SECONDS,
    AUDIENCE,
    ISSUER,
    AccessClaims,
    AccessTokens,
    fingerprint,
    new_token,
)

SECRET, OTHER = "the first of two secrets 0123456789", "the other of two secrets 9876543210"
KEY, OLD = Key("new", SECRET), Key("old", OTHER)
NOW = datetime(2026, 11, 18, 6, 30, tzinfo=UTC)
CLAIMS = AccessClaims(user_id="user", session_id="session")
TOKENS = AccessTokens(KeyRing([KEY]))
PAYLOAD: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "user",
    "sid": "session",
    "purpose": "access",
    "iat": NOW,
    "exp": NOW + timedelta(minutes=5),
    "jti": "1",
}


def forged(key: str = SECRET, algorithm: str = "HS256", header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token made outside, with a payload that differs by `changes` (None leaves a claim out)."""
    payload = {name: value for name, value in (PAYLOAD | changes).items() if value is not None}
    return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": "new"} | (header or {}))


def unsigned(header: dict[str, Any]) -> str:
    """A token with any header at all and an empty signature."""
    parts = [header, {**PAYLOAD, "iat": NOW.timestamp(), "exp": NOW.timestamp() + 300}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def refused(tokens: AccessTokens, token: str, now: datetime = NOW) -> str:
    """The code with which a token is refused."""
    with pytest.raises(NotSignedIn) as caught:
        tokens.read(token, now)
    return caught.value.code


def test_a_token_says_who_and_which_session() -> None:
    """What was signed is what is read, and its header names the key and nothing else."""
    token = TOKENS.sign(CLAIMS, NOW)
    assert TOKENS.read(token, NOW) == CLAIMS
    assert TOKENS.read(forged(), NOW) == CLAIMS
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT", "kid": "new"}


def test_a_token_ends_after_a_quarter_of_an_hour() -> None:
    """It is good for 15 minutes by the clock that was handed in, not a second longer."""
    assert ACCESS_SECONDS == 15 * 60
    token = TOKENS.sign(CLAIMS, NOW)
    assert TOKENS.read(token, NOW + timedelta(seconds=ACCESS_SECONDS - 1)) == CLAIMS
    assert refused(TOKENS, token, NOW + timedelta(seconds=ACCESS_SECONDS)) == "token_expired"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "a.b.c",
        forged(OTHER),
        forged(iss="elsewhere"),
        forged(iss=None),
        forged(aud="elsewhere"),
        forged(aud=None),
        forged(aud=[AUDIENCE, "elsewhere"]),
        forged(purpose="refresh"),
        forged(purpose=None),
        forged(sid=None),
        forged(sid=7),
        forged(sub=None),
        forged(exp=None),
        forged(jti=None),
        forged("", algorithm="none"),
        forged(SECRET * 3, algorithm="HS512"),
        forged(SECRET * 3, algorithm="HS384"),
        forged(header={"kid": "unknown"}),
        forged(header={"kid": "../../etc/passwd"}),
        forged(header={"jku": "https://elsewhere.example/keys"}),
        forged(header={"jwk": {"kty": "oct", "k": base64.urlsafe_b64encode(SECRET.encode()).decode()}}),
        forged(header={"x5u": "https://elsewhere.example/cert"}),
        forged(header={"crit": ["exp"]}),
        unsigned({"alg": "none", "typ": "JWT", "kid": "new"}),
        unsigned({"alg": "HS256", "typ": "JWT"}),
        unsigned({"alg": "RS256", "typ": "JWT", "kid": "new"}),
        unsigned({"alg": "nOnE", "kid": ["new"]}),
        forged() + "." + forged(),
        forged() * 30,
    ],
)
def test_forged_and_foreign_tokens_are_refused(token: str) -> None:
    """Another key, issuer, audience, purpose or algorithm, a key brought along, missing claims: all not valid."""
    assert refused(TOKENS, token) == "token_invalid"


def test_the_same_forgery_without_the_lie_is_a_token() -> None:
    """What the forgeries above are refused for is just what they changed."""
    assert TOKENS.read(forged(header={"kid": "new"}, aud=AUDIENCE), NOW) == CLAIMS


@given(st.text(alphabet=" \t\n=!.,~+/\xa0\u0131", min_size=1, max_size=3), st.floats(0, 1))
def test_a_token_has_one_spelling(put: str, place: float) -> None:
    """With letters that base64 does not know, or signs for its length, anywhere in it, a token is none."""
    token = TOKENS.sign(CLAIMS, NOW)
    at = round(place * len(token))
    assert refused(TOKENS, f"{token[:at]}{put}{token[at:]}") == "token_invalid"


def test_a_changed_token_is_refused() -> None:
    """Changing one character of what a token says breaks it."""
    head, body, seal = TOKENS.sign(CLAIMS, NOW).split(".")
    swapped = body[:-2] + ("A" if body[-2] != "A" else "B") + body[-1]
    assert refused(TOKENS, f"{head}.{swapped}.{seal}") == "token_invalid"


@given(st.one_of(st.text(max_size=300), st.binary(max_size=200).map(lambda raw: raw.decode("latin-1"))))
def test_any_text_is_refused_in_one_way(token: str) -> None:
    """Whatever is sent in the place of a token, the answer is the same refusal and never another error."""
    assert refused(TOKENS, token) == "token_invalid"


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "jku", "jwk", "x5c", "crit", "b64"]), _ANY), _ANY)
def test_any_header_and_payload_without_our_seal_is_refused(header: dict[str, Any], payload: object) -> None:
    """No header or payload of any shape gets in without a signature by one of our keys."""
    parts = (json.dumps(header), json.dumps(payload), "seal")
    token = ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)
    assert refused(TOKENS, token) == "token_invalid"


@given(st.dictionaries(st.sampled_from([*PAYLOAD, "nbf"]), _ANY, min_size=1))
def test_any_claims_under_our_own_seal_are_read_or_refused(claims: dict[str, Any]) -> None:
    """Even with a right signature, claims of any shape are either whole or refused; nothing else is raised."""
    payload = {**PAYLOAD, "iat": NOW.timestamp(), "exp": NOW.timestamp() + 300} | claims
    body = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "kid": "new"}, payload)
    )
    seal = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(body.encode(), SECRET.encode())
    token = f"{body}.{base64.urlsafe_b64encode(seal).rstrip(b'=').decode()}"
    try:
        read = TOKENS.read(token, NOW)
    except NotSignedIn:
        return
    assert (read.user_id, read.session_id) == (payload["sub"], payload["sid"])
    assert isinstance(read.user_id, str)


# changing keys


def test_after_a_change_of_keys_old_tokens_live_on() -> None:
    """Signed with the first key, read with any: a token of the old key is accepted beside those of the new one."""
    before = AccessTokens(KeyRing([OLD])).sign(CLAIMS, NOW)
    both = AccessTokens(KeyRing([KEY, OLD]))
    assert both.read(before, NOW) == CLAIMS
    assert jwt.get_unverified_header(both.sign(CLAIMS, NOW))["kid"] == "new"


def test_a_removed_key_vouches_for_nothing() -> None:
    """Once a key has gone from the ring, what it signed is refused."""
    before = AccessTokens(KeyRing([OLD])).sign(CLAIMS, NOW)
    assert refused(AccessTokens(KeyRing([KEY])), before) == "token_invalid"


def test_a_key_with_a_last_day_ends_by_itself() -> None:
    """What a key signed is accepted through its last day (UTC), and not a second after it."""
    ring = KeyRing([KEY, Key("old", OTHER, until=date(2026, 11, 18))])
    before = AccessTokens(KeyRing([OLD])).sign(CLAIMS, datetime(2026, 11, 18, 23, 55, tzinfo=UTC))
    tokens = AccessTokens(ring)
    assert tokens.read(before, datetime(2026, 11, 18, 23, 59, 59, tzinfo=UTC)) == CLAIMS
    assert refused(tokens, before, datetime(2026, 11, 19, tzinfo=UTC)) == "token_invalid"


def test_one_key_cannot_sign_in_the_name_of_another() -> None:
    """The key that a token names is the one that must have signed it."""
    both = AccessTokens(KeyRing([KEY, OLD]))
    assert refused(both, forged(OTHER, header={"kid": "new"})) == "token_invalid"


def test_reference_tokens_are_long_and_never_repeat() -> None:
    """256 random bits, whose fingerprint does not show them."""
    tokens = {new_token() for _each in range(1_000)}
    assert len(tokens) == 1_000
    assert all(len(token) == 43 for token in tokens)
    one = tokens.pop()
    assert one not in fingerprint(one)
    assert len(fingerprint(one)) == 64


def test_an_endless_token_is_refused_unread() -> None:
    """Nobody spends time on a token that is longer than any of ours, however well it is signed."""
    assert TOKENS.read(forged(jti="j" * 100), NOW) == CLAIMS
    with pytest.raises(NotSignedIn):
        TOKENS.read(forged(jti="j" * 4000), NOW)
