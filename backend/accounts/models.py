"""Shapes of people: the account, the viewer that every service call receives, sessions, and what forms send."""

from datetime import date, datetime
from typing import Any, Literal

from backend.errors import NotAllowed, NotSignedIn
from backend.kit.i18n import _
from backend.kit.model import Shape

Role = Literal["student", "teacher", "admin"]
ROLES: tuple[Role, ...] = ("student", "teacher", "admin")
Plan = Literal["free", "premium"]
PeopleOrder = Literal["name", "role", "state", "lastSignIn", "since"]

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
    weekly_mail: bool = False
    is_demo: bool = False
    created_at: datetime
    last_sign_in_at: datetime | None = None
    second_factor_at: datetime | None = None


class Viewer(Shape, frozen=True, kw_only=True):
    """The signed-in person. `classroom_ids` are the classrooms of a student, or those that a teacher teaches."""

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
    lacks_second_factor: bool = False  # the role needs one: without it the person may do little else


_ALIKE = tuple(name for name in Viewer.__struct_fields__ if name in User.__struct_fields__)


def viewer_of(
    user: User, classroom_ids: tuple[str, ...] = (), *, session_id: str = "", lacks_second_factor: bool = False
) -> Viewer:
    """Return the viewer for a person: the fields that both have, and those that the account does not hold."""
    alike: dict[str, Any] = {name: getattr(user, name) for name in _ALIKE}
    return Viewer(**alike, classroom_ids=classroom_ids, session_id=session_id, lacks_second_factor=lacks_second_factor)


def require(viewer: Viewer | None, *roles: Role) -> Viewer:
    """The viewer, if signed in with one of `roles` (any role where none is named).

    Raises NotSignedIn or NotAllowed.
    """
    if viewer is None:
        raise NotSignedIn(_("Please sign in first."))
    if roles and (viewer.role not in roles or viewer.lacks_second_factor):
        raise NotAllowed(_("Your role does not allow this."))
    return viewer


class SessionRecord(Shape, frozen=True, kw_only=True):
    """A browser or program that is signed in. `id` is the SHA-256 of its reference token."""

    id: str
    user_id: str
    kind: Literal["browser", "api"]
    device: str = ""
    place: str = ""  # the network it was opened from, never the whole address
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    proven_at: datetime | None = None  # when its owner last gave their password (and code) in it


class OpenSession(Shape, frozen=True, kw_only=True):
    """A session as its owner or an administrator sees it. It ends at `ends_at` if nobody uses it until then."""

    id: str
    kind: Literal["browser", "api"]
    device: str
    place: str
    created_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    is_this: bool


class TokenPair(Shape, frozen=True, kw_only=True):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105  (the scheme's name, not a secret)
    expires_in: int
    refresh_token: str


class ProfileChange(Shape, frozen=True, kw_only=True):
    """The fields that a person may change in their own profile; None leaves a field as it is."""

    name: str | None = None
    daily_goal: int | None = None
    exam_date: date | None = None
    clear_exam_date: bool = False
    time_zone: str | None = None
    day_end_hour: int | None = None
    board_joined: bool | None = None
    board_name: str | None = None
    weekly_mail: bool | None = None


class UserPage(Shape, frozen=True, kw_only=True):
    users: tuple[User, ...]
    total: int
    page: int
    limit: int
    has_more: bool = False


class OneTimeLink(Shape, frozen=True, kw_only=True):
    """A secret that works once: shown to the admin who made it, never stored in the clear.

    `is_mailed`: it is on its way to the person as well.
    """

    token: str
    user: User
    expires_at: datetime
    is_mailed: bool = False


class FactorState(Shape, frozen=True, kw_only=True):
    """Whether a person has a second factor, how many recovery codes are left, and whether their role needs one."""

    enabled_at: datetime | None
    recovery_codes_left: int
    is_required: bool


class FactorSetup(Shape, frozen=True, kw_only=True):
    """The setup of an authenticator app: the secret, and the otpauth:// address of a QR code that holds it."""

    secret: str
    address: str


class RecoveryCodes(Shape, frozen=True, kw_only=True):
    """Codes that work once each, in place of the app; shown this once."""

    codes: tuple[str, ...]


class ProviderIdentity(Shape, frozen=True, kw_only=True):
    """The claims of the school's OpenID provider about a person who has just signed in there."""

    subject: str
    email: str
    email_verified: bool
    name: str = ""
    issued_at: datetime
    nonce: str


class DemoSignIn(Shape, frozen=True, kw_only=True):
    """An account of the demo school whose password the documentation publishes."""

    role: Role
    name: str
    email: str
