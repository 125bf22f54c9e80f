"""Shapes of people: the account, the viewer that every service call receives, sessions, and what forms send."""

from datetime import date, datetime
from typing import Literal

from backend.errors import NotAllowed, NotSignedIn
from backend.kit.i18n import _
from backend.kit.shape import Shape

Role = Literal["student", "teacher", "admin"]
ROLES: tuple[Role, ...] = ("student", "teacher", "admin")
Plan = Literal["free", "premium"]

NAME_LENGTH = 80
EMAIL_LENGTH = 254
GOAL_LIMIT = 500


class User(Shape, frozen=True, kw_only=True):
    """An account as its owner and an admin see it; the password hash never leaves the queries."""

    id: str
    email: str
    name: str
    role: Role
    plan: Plan = "free"
    is_active: bool = True
    time_zone: str
    day_end_hour: int = 0
    locale: str = "en_IN"
    daily_goal: int = 20
    exam_date: date | None = None
    board_joined: bool = False
    board_name: str | None = None
    is_demo: bool = False
    created_at: datetime
    last_sign_in_at: datetime | None = None


class Viewer(Shape, frozen=True, kw_only=True):
    """The signed-in person. Students carry the classrooms they are in, teachers those they teach."""

    id: str
    name: str
    email: str
    role: Role
    plan: Plan = "free"
    classroom_ids: tuple[str, ...] = ()
    time_zone: str = "Asia/Kolkata"
    day_end_hour: int = 0
    locale: str = "en_IN"
    daily_goal: int = 20
    exam_date: date | None = None
    board_joined: bool = False
    board_name: str | None = None
    session_id: str = ""


def require(viewer: Viewer | None, *roles: Role) -> Viewer:
    """The viewer, if signed in with one of `roles` (any role where none is named).

    Raises NotSignedIn or NotAllowed.
    """
    if viewer is None:
        raise NotSignedIn(_("Please sign in first."))
    if roles and viewer.role not in roles:
        raise NotAllowed(_("Your role does not allow this."))
    return viewer


class SessionRecord(Shape, frozen=True, kw_only=True):
    """A browser or program that is signed in. `id` is the SHA-256 of its reference token."""

    id: str
    user_id: str
    kind: Literal["browser", "api"]
    device: str = ""
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class TokenPair(Shape, frozen=True, kw_only=True):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105  (the scheme's name, not a secret)
    expires_in: int
    refresh_token: str


class ProfileChange(Shape, frozen=True, kw_only=True):
    """What a person may change about herself; None leaves a field as it is."""

    name: str | None = None
    daily_goal: int | None = None
    exam_date: date | None = None
    clear_exam_date: bool = False
    time_zone: str | None = None
    day_end_hour: int | None = None
    board_joined: bool | None = None
    board_name: str | None = None


class UserPage(Shape, frozen=True, kw_only=True):
    users: tuple[User, ...]
    total: int
    page: int
    limit: int


class OneTimeLink(Shape, frozen=True, kw_only=True):
    """A secret that works once: shown to the admin who made it, never stored in the clear."""

    token: str
    user: User
    expires_at: datetime


class DemoSignIn(Shape, frozen=True, kw_only=True):
    """An account of the demo school whose password the documentation publishes."""

    role: Role
    name: str
    email: str
