"""Join codes: hard to misread, easy to type."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from backend.classrooms.join_code import ALPHABET, new_join_code, shown, tidied


def test_codes_have_no_look_alikes() -> None:
    """Eight characters, and none of 0, O, 1, I and L among all that may come."""
    assert not set("0O1IL") & set(ALPHABET)
    code = new_join_code()
    assert len(code) == 8
    assert set(code) <= set(ALPHABET)


def wide(text: str) -> str:
    """The text in full-width letters and digits, as a Japanese keyboard types them."""
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def in_script(zero: str) -> Callable[[str], str]:
    """Digits of the script whose 0 this is."""
    return lambda text: "".join(chr(ord(zero) + int(sign)) if sign in "0123456789" else sign for sign in text)


TYPED = st.sampled_from([str, str.lower, wide, *(in_script(zero) for zero in "०০௦०٠۰๐༠០𑁦")])


@given(st.text(alphabet=" -_.–—\t\u200b\ufe0f\u3000", max_size=3), TYPED)
def test_a_code_is_known_however_it_is_typed(between: str, typed: Callable[[str], str]) -> None:
    """Small or wide letters, digits of other scripts, spaces and dashes of any kind make no difference."""
    code = new_join_code()
    assert tidied(between + between.join(typed(shown(code))) + between) == code
