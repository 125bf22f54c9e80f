"""Keys: how they are written, which are refused, and the file of a private start."""

import stat
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kit.security.encryption import Sealer
from backend.kit.security.keys import Key, KeyRing, is_weak, kept_secret, parse_keys, unnamed

A, B = "abcdefgh-ijklmnop-qrstuvwx-01234567", "76543210-xwvutsrq-ponmlkji-hgfedcba"


def test_keys_are_written_by_name_secret_and_last_day() -> None:
    """Commas, spaces and lines part them; a bare secret is named after itself."""
    assert parse_keys(f"nov:{A}, may:{B}:2026-12-01\n{A}") == [
        Key("nov", A),
        Key("may", B, date(2026, 12, 1)),
        unnamed(A),
    ]


@pytest.mark.parametrize("text", ["", " , ", "a:b:c:d", f"a b:{A}:x", f"a:{A}:2026-13-01", f"{'n' * 33}:{A}", f":{A}"])
def test_what_is_written_otherwise_is_refused(text: str) -> None:
    """A slip in the list is said without telling any secret."""
    with pytest.raises(ValueError, match="key") as caught:
        parse_keys(text)
    assert A not in str(caught.value)


@given(st.text(max_size=200))
def test_any_text_is_keys_or_a_value_error(text: str) -> None:
    """Whatever stands in the setting, reading it gives keys or ValueError."""
    try:
        assert parse_keys(text)
    except ValueError:
        return


@pytest.mark.parametrize(
    "secret",
    ["", "x" * 31, "x" * 64, "abc" * 20, "changeme-0123456789-abcdefghijklmn", "your_secret_key_0123456789_abcdefgh"],
)
def test_weak_secrets_are_known(secret: str) -> None:
    """Short, monotonous and placeholder secrets are weak; a random one is not."""
    assert is_weak(secret)
    assert not is_weak(A)


def test_a_ring_refuses_what_cannot_work() -> None:
    """No key, two of one name, or a first one with a last day: a ring that nobody could sign with."""
    for keys in ([], [Key("a", A), Key("a", B)], [Key("a", A, date(2030, 1, 1))], [Key("a", "short")]):
        with pytest.raises(ValueError, match="key"):
            KeyRing(keys)


def test_secrets_do_not_stand_in_what_is_logged() -> None:
    """The representation of a key does not show its secret."""
    assert A not in repr(KeyRing([Key("a", A)]).keys)


def test_a_kept_secret_is_private_and_stays(tmp_path: Path) -> None:
    """The generated secret is readable by this user alone, strong enough, and the same at the next start."""
    path = tmp_path / "secrets" / "jwt"
    first = kept_secret(path)
    assert KeyRing(parse_keys(first))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kept_secret(path) == first


def test_what_is_sealed_opens_with_any_key_of_the_ring_and_with_no_other() -> None:
    """Sealed with the first key, opened by the ring that still holds it, and a riddle to everybody else."""
    old, new = Key("old", A), Key("new", B)
    sealed = Sealer(KeyRing([old]), "test").seal("hidden")
    assert "hidden" not in sealed
    assert Sealer(KeyRing([new, old]), "test").open(sealed) == "hidden"
    assert Sealer(KeyRing([new]), "test").open(sealed) is None
    assert Sealer(KeyRing([old]), "another purpose").open(sealed) is None
    assert Sealer(KeyRing([old]), "test").open(sealed[:-4] + "AAA=") is None
    assert Sealer(KeyRing([old]), "test").open("é not sealed at all") is None
