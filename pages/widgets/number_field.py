"""A field for a whole number, read by the one rule of whole numbers: what it cannot mean is refused and stays typed."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from backend.errors import Invalid
from backend.kit.i18n import _
from backend.kit.whole_numbers import NotWhole, read_whole

LONGEST = 30  # characters of what was typed in a refusal


def number_field(
    label: str, *, key: str, value: int | None = None, at: DeltaGenerator | None = None, **how: Any
) -> str:
    """Draw the field, at first with `value`; return what is typed, for `whole_number` to read.

    Not st.number_input: it turns 1,5 into 15 and 1.5 into 1, and ignores digits of other scripts.
    """
    st.session_state.setdefault(key, "" if value is None else str(value))
    typed: str = (at or st).text_input(label, key=key, autocomplete="off", **how)
    return typed


def whole_number(label: str, typed: str, low: int, high: int) -> int | None:
    """Return the number from `low` to `high` that is typed, None for an empty field. Raises Invalid."""
    if not typed.strip():
        return None
    found = read_whole(typed)
    typed = typed if len(typed) <= LONGEST else f"{typed[:LONGEST]}…"
    if found is NotWhole.AMBIGUOUS:
        words = _("“{field}”: {typed} can be read in two ways. Write the number without a comma or dot.")
        raise Invalid(words.format(field=label, typed=typed))
    if isinstance(found, NotWhole):
        raise Invalid(_("“{field}”: {typed} is not a whole number.").format(field=label, typed=typed))
    if not low <= found <= high:
        words = _("“{field}”: {typed} is not from {low} to {high}.")
        raise Invalid(words.format(field=label, typed=typed, low=low, high=high))
    return found
