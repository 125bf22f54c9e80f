"""The permission table, which every service checks first. It uses neither the database nor HTTP.

A line names an act (`service.method`) and, for each role, the data it may be done to. A role that never may is
told "not allowed"; one that may, but not to this, is told "not found", so that it does not learn what exists.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeVar

from backend.errors import NotAllowed, NotFound, NotSignedIn
from backend.kit.i18n import _


class Relation(StrEnum):
    """The relation of an object to the person who acts on it."""

    NOTHING = "no object"  # a list of what one may see, something new
    OWN = "own"
    OTHERS = "other's"
    OWN_CLASS = "own classroom's"
    OTHER_CLASS = "other classroom's"
    SHARED = "everyone's"  # a chapter of the syllabus, the board of the whole school
    ARCHIVED = "archived"  # one's own, or everyone's, and put away
    UNKNOWN = "unknown"


Scope = frozenset[Relation]
NEVER: Scope = frozenset()
NOTHING, OWN, OWN_CLASS, SHARED, ARCHIVED = (
    frozenset({each})
    for each in (Relation.NOTHING, Relation.OWN, Relation.OWN_CLASS, Relation.SHARED, Relation.ARCHIVED)
)
ANYBODY = frozenset({Relation.OWN, Relation.OTHERS})
ANY_CLASS = frozenset({Relation.OWN_CLASS, Relation.OTHER_CLASS})


class RoleScopes(NamedTuple):
    """The scope of one act for each role."""

    nobody: Scope = NEVER
    student: Scope = NEVER
    teacher: Scope = NEVER
    admin: Scope = NEVER


def _everybody(scope: Scope) -> RoleScopes:
    return RoleScopes(scope, scope, scope, scope)


def _signed_in(scope: Scope) -> RoleScopes:
    return RoleScopes(student=scope, teacher=scope, admin=scope)


def _students(scope: Scope) -> RoleScopes:
    return RoleScopes(student=scope)


def _staff(scope: Scope) -> RoleScopes:
    return RoleScopes(teacher=scope, admin=scope)


def _admins(scope: Scope) -> RoleScopes:
    return RoleScopes(admin=scope)


_CLASS_STAFF = RoleScopes(teacher=OWN_CLASS, admin=ANY_CLASS)

ACTS: Mapping[str, RoleScopes] = {
    "accounts.sign_out": _signed_in(OWN),
    "accounts.sign_out_elsewhere": _signed_in(OWN),
    "accounts.sessions": _signed_in(OWN),
    "accounts.me": _signed_in(OWN),
    "accounts.update_profile": _signed_in(OWN),
    "accounts.end_session": _signed_in(OWN),
    "accounts.reauthenticate": _signed_in(OWN),
    "accounts.change_email": _signed_in(OWN),
    "accounts.change_password": _signed_in(OWN),
    "second_factor.state": _signed_in(OWN),
    "second_factor.begin": _signed_in(OWN),
    "second_factor.confirm": _signed_in(OWN),
    "second_factor.renew_codes": _signed_in(OWN),
    "second_factor.turn_off": _signed_in(OWN),
    "administration.users": _admins(NOTHING),
    "administration.user": _admins(ANYBODY),
    "administration.create": _admins(NOTHING),
    "administration.set_active": _admins(ANYBODY),
    "administration.set_role": _admins(ANYBODY),
    "administration.change": _admins(ANYBODY),
    "administration.make_reset_link": _admins(ANYBODY),
    "administration.sessions": _admins(ANYBODY),
    "administration.end_session": _admins(ANYBODY),
    "administration.end_sessions": _admins(ANYBODY),
    "administration.reset_second_factor": _admins(ANYBODY),
    "chapters.archived": _staff(NOTHING),
    "chapters.create": _staff(NOTHING),
    "chapters.edit": _staff(SHARED),
    "chapters.archive": _staff(SHARED | ARCHIVED),
    "chapters.bring_back": _staff(SHARED | ARCHIVED),
    "chapters.import_file": _staff(NOTHING),
    "chapters.imports": _staff(NOTHING),
    "chapters.import_state": _staff(NOTHING),
    "chapters.undo_import": _staff(NOTHING),
    "chapters.export": _signed_in(NOTHING),
    "progress.history": _students(SHARED),
    "progress.change": _students(SHARED),
    "progress.change_many": _students(SHARED),
    "progress.undo": _students(OWN),
    "progress.take_over": _students(OWN),
    "overview.chapters": _everybody(NOTHING),
    "overview.chapter": _everybody(SHARED),
    "overview.rows": _everybody(NOTHING),
    "overview.rows_that_fit": _everybody(NOTHING),
    "overview.home": _students(OWN),
    "overview.insights": _students(OWN),
    "overview.summary": _students(OWN),
    "classrooms.classrooms": _signed_in(NOTHING),
    "classrooms.get": RoleScopes(student=OWN_CLASS, teacher=OWN_CLASS, admin=ANY_CLASS),
    "classrooms.taught": _CLASS_STAFF,
    "classrooms.create": _staff(NOTHING),
    "classrooms.rename": _CLASS_STAFF,
    "classrooms.renew_code": _CLASS_STAFF,
    "classrooms.set_board_mode": _CLASS_STAFF,
    "classrooms.archive": _CLASS_STAFF,
    "classrooms.archived": _staff(NOTHING),
    "classrooms.bring_back": _staff(ARCHIVED),
    "classrooms.join": _students(NOTHING),
    "classrooms.remove_student": _CLASS_STAFF,
    "reports.report": _CLASS_STAFF,
    "reports.export": _CLASS_STAFF,
    "reports.learner": _CLASS_STAFF,
    "reports.matrix": _CLASS_STAFF,
    "reports.completions_over_time": _CLASS_STAFF,
    "boards.scopes": _signed_in(NOTHING),
    "boards.board": RoleScopes(student=SHARED | OWN_CLASS, teacher=SHARED | OWN_CLASS, admin=SHARED | ANY_CLASS),
    "statistics.statistics": _signed_in(NOTHING),
    "statistics.chapter": _staff(SHARED),
    "statistics.distribution": _staff(NOTHING),
    "statistics.weeks": _staff(NOTHING),
    "class_statistics.overview": _CLASS_STAFF,
    "class_statistics.statistics": _CLASS_STAFF,
    "class_statistics.distribution": _CLASS_STAFF,
    "class_statistics.comparison": _students(OWN),
    "class_statistics.chapter_average": _students(SHARED),
    "operations.health": _admins(NOTHING),
    "operations.history": _admins(NOTHING),
    "monitoring.metrics": _admins(NOTHING),
    "monitoring.cache": _admins(NOTHING),
    "monitoring.slow": _admins(NOTHING),
    "monitoring.clear": _admins(NOTHING),
    "memory.trace": _admins(NOTHING),
    "memory.start": _admins(NOTHING),
    "jobs.jobs": _admins(NOTHING),
    "jobs.run": _admins(NOTHING),
    "limits.report": _admins(NOTHING),
    "backups.backups": _admins(NOTHING),
    "backups.report": _admins(NOTHING),
    "backup_tasks.current": _admins(NOTHING),
    "backup_tasks.take": _admins(NOTHING),
    "backup_tasks.verify": _admins(NOTHING),
    "backup_tasks.drill": _admins(NOTHING),
    "backup_tasks.restore": _admins(NOTHING),
    "backup_tasks.roll_back": _admins(NOTHING),
    "backup_downloads.link": _admins(NOTHING),
    "backup_downloads.open": _admins(NOTHING),
    "restores.preview": _admins(NOTHING),
    "restores.restore": _admins(NOTHING),
    "restores.roll_back": _admins(NOTHING),
    "rights.export": _signed_in(OWN),
    "rights.file_name": _signed_in(OWN),
    "rights.deletion": _signed_in(OWN),
    "rights.request": _signed_in(OWN),
    "rights.cancel": _signed_in(OWN),
    "rights.open_requests": _admins(NOTHING),
    "rights.request_for": _admins(ANYBODY),
    "rights.cancel_for": _admins(ANYBODY),
    "audit.entries": _admins(NOTHING),
    "audit.export": _admins(NOTHING),
    "audit.check": _admins(NOTHING),
    "rooms.student": _signed_in(OWN),
    "rooms.classroom": _CLASS_STAFF,
    "rooms.chapter": _signed_in(SHARED),
    "rooms.boards": _signed_in(NOTHING),
    "page.": _signed_in(NOTHING),
    "page.chapters": _students(NOTHING),
    "page.chapter": _signed_in(SHARED),
    "page.insights": _students(NOTHING),
    "page.leaderboard": RoleScopes(student=NOTHING, teacher=NOTHING),
    "page.classroom": _CLASS_STAFF,
    "page.manage-chapters": _staff(NOTHING),
    "page.health": _admins(NOTHING),
    "page.users": _admins(NOTHING),
    "page.audit": _admins(NOTHING),
    "page.backups": _admins(NOTHING),
    "page.settings": _signed_in(NOTHING),
}

# The acts of a person who still lacks a required second factor: set it up, and manage their own sign-in.
BEFORE_SECOND_FACTOR = frozenset(
    {name for name in ACTS if name.startswith("second_factor.")}
    | {f"accounts.{name}" for name in ("me", "sign_out", "sign_out_elsewhere", "sessions", "end_session")}
    | {"accounts.reauthenticate", "accounts.change_password"}
)

# Public methods without a viewer: the steps of signing in, public facts, and methods that only services,
# jobs and the terminal call. A page or route may not call one of the last kind for a person without a line above.
WITHOUT_VIEWER: Mapping[str, str] = {
    "sign_in": "authenticate issue_ticket redeem_ticket sign_in_program complete_ticket complete_program refresh "
    "enter_by_provider viewer viewer_of_access_token demo_sign_ins shut_demo_out",
    "registration": "has_users create_first_administrator sign_up begin_sign_up awaited confirm",
    "accounts": "confirm_address reset_owner reset_password",
    "second_factor": "prove reseal",
    "administration": "rescue",
    "chapters": "follow every active get load carry_on warmed_by",
    "classrooms": "check_again",
    "reports": "members learners_of",
    "progress": "today record chapters_changed in_use follow_up",
    "recount": "begin share carry_on",
    "overview": "facets",
    "statistics": "projector_health warmed_by levels",
    "operations": "status live ready close missing_indexes look seen",
    "monitoring": "is_token written count",
    "heartbeat": "everyone start close beat sample",
    "memory": "close",
    "audit": "check_all state forget_old",
    "jobs": "reports",
    "backups": (
        "every state present_documents take take_and_tidy verify thin_out sweep drill archive bundle journal segments"
    ),
    "recorder": "run",
    "backup_tasks": "close",
    "backup_alarm": "look trouble",
    "mails": "queue administrators state deliver",
    "digests": "write leave leave_address",
    "trail": "record record_view forget_origins",
    "rights": "fulfil_due request_for_idle apply_tombstones",
    "limits": "start close watch rules_for held decide admit forget",
}


class Person(Protocol):
    """The person who acts, with the facts that the table needs."""

    @property
    def id(self) -> str: ...

    @property
    def role(self) -> str: ...

    @property
    def lacks_second_factor(self) -> bool: ...


V = TypeVar("V", bound=Person)


def allowed(viewer: Person | None, act: str) -> Scope:
    """Return whose data the viewer may do this act to; empty for never. Raises KeyError for an unknown act."""
    line: Mapping[str, Scope] = ACTS[act]._asdict()
    return line["nobody" if viewer is None else viewer.role]


def authorise(viewer: V | None, act: str, relation: Relation | None = None, *, missing: str = "") -> V:
    """Return the viewer if they may do `act` to an object in this relation to them (to any object if none is given).

    `missing` is the sentence of NotFound. Raises NotSignedIn, NotAllowed, NotFound.
    """
    scope = allowed(viewer, act)
    if viewer is None:
        raise NotSignedIn(_("Please sign in first."))
    if not scope:
        raise NotAllowed(_("Your role does not allow this."))
    if viewer.lacks_second_factor and act not in BEFORE_SECOND_FACTOR:
        raise NotAllowed(_("Set up your second factor first, in the settings."), code="second_factor_required")
    if relation is not None and relation not in scope:
        raise NotFound(missing or _("This does not exist."))
    return viewer
