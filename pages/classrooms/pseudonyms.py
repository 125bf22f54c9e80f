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
    """What each learner, given as (id, name), is called, by id; `is_hidden` is this visit's choice unless given."""
    known = dict(learners)
    if not (are_names_hidden() if is_hidden is None else is_hidden):
        return known
    return {each: _("Learner {number}").format(number=number(at)) for each, at in _numbers(known).items()}


def place_of(name: str) -> tuple[int, str]:
    """Sorts names as people do, and “Learner 9” before “Learner 10”."""
    digits = "".join(character for character in name if character.isascii() and character.isdigit())
    return (int(digits) if digits else 0, name.casefold())


def _numbers(ids: Iterable[str]) -> dict[str, int]:
    """A number for each id: the same on every page of a class, and in no order that a class would recognise."""
    mixed = sorted(ids, key=lambda each: sha256(each.encode()).digest())
    return {each: at for at, each in enumerate(mixed, 1)}
