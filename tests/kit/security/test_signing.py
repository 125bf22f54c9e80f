"""Signed words: read back as they were written, by the same purpose alone, and no longer than their key is accepted."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kit.security.keys import Key, KeyRing
from backend.kit.security.signing import Signer

NOW = datetime(2026, 11, 18, 6, 30, tzinfo=UTC)
OLD, NEW = Key("old", "the first of two secrets 0123456789"), Key("new", "the other of two secrets 9876543210")
BEFORE = Signer(KeyRing([OLD]), "leaving")


@given(text=st.text(max_size=100))
def test_what_was_signed_comes_back(text: str) -> None:
    """Any text, in any script, and safe in an address."""
    token = BEFORE.sign(text)
    assert token.isascii()
    assert not set(token) & set("/?#&+ ")
    assert BEFORE.read(token, NOW) == text


def test_a_key_that_has_ended_vouches_for_nothing() -> None:
    """After a change of keys the former one is believed up to its last day, and not on the day after."""
    ring = KeyRing([NEW, Key(OLD.id, OLD.secret, date(2026, 11, 18))])
    after, token = Signer(ring, "leaving"), BEFORE.sign("letter 7")
    assert after.read(token, NOW) == "letter 7"
    assert after.read(token, datetime(2026, 11, 19, tzinfo=UTC)) is None
    assert after.read(after.sign("letter 8"), datetime(2030, 1, 1, tzinfo=UTC)) == "letter 8"


def test_another_purpose_reads_nothing() -> None:
    """What was signed for one thing opens no other."""
    assert Signer(KeyRing([OLD]), "joining").read(BEFORE.sign("letter 7"), NOW) is None


@pytest.mark.parametrize("token", ["", ".", "letter 7", "bGV0dGVyIDc", "bGV0dGVyIDc.é", "a." + "b" * 400])
def test_what_nobody_signed_is_nothing(token: str) -> None:
    """Without a signature of ours there is no text, whatever was sent."""
    assert BEFORE.read(token, NOW) is None


def test_a_changed_letter_is_nothing() -> None:
    """Neither body nor signature may differ in a single sign."""
    token = BEFORE.sign("letter 7")
    for place, sign in enumerate(token):
        other = "A" if sign != "A" else "B"
        assert BEFORE.read(token[:place] + other + token[place + 1 :], NOW) is None
