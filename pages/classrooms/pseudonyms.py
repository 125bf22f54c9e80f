"""Hiding names for the projector: one choice for the whole visit, and neutral names that tell nothing."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

import streamlit as st

from backend.kit.i18n import _, number

_CHOICE = "hide-names"


def hide_names_toggle() -> None:
    """The switch. It stays as it is on every page until the visit ends."""
    st.toggle(
        _("Hide names"),
        key=_CHOICE,
        persist_state="session",
        help=_("For the projector: learners become “Learner 7”, here, in downloads and on your home page."),
    )


def are_names_hidden() -> bool:
    """Whether names are hidden in this visit."""
    return bool(st.session_state.get(_CHOICE))


def shown_names(learners: Iterable[tuple[str, str]], *, is_hidden: bool | None = None) -> Mapping[str, str]:
    """Return the displayed name by id of learners, given as (id, name); `is_hidden` defaults to this visit's choice."""
    known = dict(learners)
    if not (are_names_hidden() if is_hidden is None else is_hidden):
        return known
    return {each: _("Learner {number}").format(number=number(at)) for each, at in _numbers(known).items()}


def place_of(name: str) -> tuple[int, str]:
    """Return a sort key for names that puts “Learner 9” before “Learner 10”."""
    digits = "".join(character for character in name if character.isascii() and character.isdigit())
    return (int(digits) if digits else 0, name.casefold())


def _numbers(ids: Iterable[str]) -> dict[str, int]:
    """Return a number for each id: the same on every page of a class, in an order that the class cannot recognise."""
    mixed = sorted(ids, key=lambda each: sha256(each.encode()).digest())
    return {each: at for at, each in enumerate(mixed, 1)}
