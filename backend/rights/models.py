"""Shapes of the rights of a person: a deletion that was asked for, what a fulfilment did."""

from datetime import datetime

from backend.kit.model import Shape


class Deletion(Shape, frozen=True, kw_only=True):
    """A deletion that was asked for; it can be called off until the account is closed at `due_at`."""

    id: str
    requested_at: datetime
    due_at: datetime
    requested_by: str
    closed_at: datetime | None = None


class OpenDeletion(Shape, frozen=True, kw_only=True):
    """A deletion with the name of the person, as administrators see it."""

    deletion: Deletion
    name: str
    email: str
    role: str


class Fulfilled(Shape, frozen=True, kw_only=True):
    """The result of one run over the open deletions: accounts closed, and persons deleted."""

    closed: int
    deleted: int
