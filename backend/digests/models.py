"""Shapes of the weekly letter."""

from backend.kit.model import Shape


class Written(Shape, frozen=True, kw_only=True):
    """The result of one run: letters put in the outbox, and people left alone."""

    letters: int
    left_alone: int
