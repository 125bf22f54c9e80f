"""Join codes: eight unambiguous characters in two groups, accepted in any spelling. Pure."""

import secrets

from backend.kit.unicode_text import comparison_key

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # without 0, O, 1, I and L, which look alike
LENGTH = 8


def new_join_code() -> str:
    """A fresh code: one of 31⁸ (about 850 thousand million), so that guessing finds no class."""
    return "".join(secrets.choice(ALPHABET) for _place in range(LENGTH))


def tidied(code: str) -> str:
    """The code as it is stored: capitals, without spaces, dashes or anything else that is no letter or digit.

    Letters may be of full width, and digits of any script.
    """
    return "".join(character for character in comparison_key(code[:100]).upper() if character.isalnum())


def shown(code: str) -> str:
    """The code as people read and type it: "ABCD-EFGH"."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"
