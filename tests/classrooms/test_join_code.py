"""Join codes: hard to misread, easy to type."""

from hypothesis import given
from hypothesis import strategies as st

from backend.classrooms.join_code import ALPHABET, new_join_code, shown, tidied


def test_codes_have_no_look_alikes() -> None:
    """Eight characters, and none of 0, O, 1, I and L among all that may come."""
    assert not set("0O1IL") & set(ALPHABET)
    code = new_join_code()
    assert len(code) == 8
    assert set(code) <= set(ALPHABET)


@given(st.text(alphabet=" -_.–—\t", max_size=3), st.booleans())
def test_a_code_is_known_however_it_is_typed(between: str, lower: bool) -> None:
    """Small letters, spaces and dashes of any kind make no difference."""
    code = new_join_code()
    typed = between + between.join(shown(code)) + between
    assert tidied(typed.lower() if lower else typed) == code
