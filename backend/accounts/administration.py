"""Administration of other people's accounts: create, change, sign out, reset."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from backend.accounts import validation
from backend.accounts.factor_queries import FactorQueries
from backend.accounts.models import ROLES, OneTimeLink, OpenSession, PeopleOrder, Role, User, UserPage, Viewer
from backend.accounts.observers import BOARDS_TAG, NobodyFollows, PersonFollower
from backend.accounts.queries import AccountQueries
from backend.accounts.sessions import TAG, Sessions
from backend.audit.models import Act, Facts
from backend.audit.trail import AuditTrail
from backend.errors import Conflict, Invalid, NotFound
from backend.kit.cache import Cache
from backend.kit.clock import Clock
from backend.kit.i18n import _, moment
from backend.kit.mongo.client import new_id
from backend.kit.security.tokens import fingerprint, new_token
from backend.mails import letters
from backend.mails.models import Recipient
from backend.mails.service import MailService
from backend.policy import authorise

RESET_LIFE = timedelta(days=3)
PAGE_LIMIT = 200


class AccountAdministration:
    """Administration of other people's accounts: create, change, sign out, reset."""

    def __init__(
        self,
        queries: AccountQueries,
        sessions: Sessions,
        factors: FactorQueries,
        cache: Cache,
        clock: Clock,
        trail: AuditTrail,
        mails: MailService,
        *,
        time_zone: str,
        follower: PersonFollower | None = None,
    ) -> None:
        self._queries = queries
        self._sessions = sessions
        self._factors = factors
        self._follower = follower or NobodyFollows()
        self._trail = trail
        self._mails = mails
        self._cache = cache
        self._clock = clock
        self._time_zone = time_zone

    def users(
        self,
        viewer: Viewer,
        *,
        search: str = "",
        role: Role | None = None,
        page: int = 1,
        limit: int = 50,
        after: tuple[str, str] | None = None,
        order: PeopleOrder = "name",
        descending: bool = False,
    ) -> UserPage:
        """A page of people in `order`; or, `after` a name and an id, the people behind it in order of name.

        Raises Invalid for a page that cannot be, and for `after` in any other order.
        """
        authorise(viewer, "administration.users")
        if page < 1 or not 1 <= limit <= PAGE_LIMIT:
            raise Invalid(_("There is no such page."))
        if after and (order != "name" or descending):
            raise Invalid(_("A cursor works only with the order by name: use page and limit."))
        return self._queries.users(search.strip(), role, page, limit, after, order=order, descending=descending)

    def user(self, viewer: Viewer, user_id: str) -> User:
        """One person. Raises NotFound."""
        authorise(viewer, "administration.user")
        user = self._user(user_id)
        self._trail.record_view(viewer, "user.viewed", "user", user.id)
        return user

    def create(self, viewer: Viewer, *, name: str, email: str, role: Role, is_demo: bool = False) -> OneTimeLink:
        """Add a teacher (or admin) without a password, and return the one-time link for setting it."""
        authorise(viewer, "administration.create")
        if role not in ("teacher", "admin"):
            raise Invalid(_("Students sign up themselves, with the join code of their class."))
        user = validation.new_user(
            new_id(), name=name, email=email, role=role, zone=self._time_zone, at=self._clock.now(), is_demo=is_demo
        )
        self._queries.insert_user(user, None, also=self._noting(viewer, "user.created", user, {}, {"role": role}))
        return self._link(user)

    def set_active(self, viewer: Viewer, user_id: str, *, active: bool) -> User:
        """Let a person in, or shut them out of every page and program at once. Their data stays."""
        authorise(viewer, "administration.set_active")
        return self._change(viewer, user_id, None, active)

    def set_role(self, viewer: Viewer, user_id: str, role: Role) -> User:
        """Give a person another role, in force from their next click. Raises Invalid, NotFound, Conflict."""
        authorise(viewer, "administration.set_role")
        return self._change(viewer, user_id, role, None)

    def change(self, viewer: Viewer, user_id: str, *, role: Role | None = None, active: bool | None = None) -> User:
        """Change both at once, or neither; None leaves one as it is. Raises as each does, Invalid if both are None."""
        authorise(viewer, "administration.change")
        if role is None and active is None:
            raise Invalid(_("Say what to change."))
        return self._change(viewer, user_id, role, active)

    def make_reset_link(self, viewer: Viewer, user_id: str) -> OneTimeLink:
        """A one-time link with which the person sets a new password; links made before stop working.

        If mail is configured, the link is also mailed to them (`is_mailed`).
        """
        authorise(viewer, "administration.make_reset_link")
        user = self._user(user_id)
        if not user.is_active:
            raise Conflict(_("This account is deactivated. Activate it first."))
        self._trail.record(viewer, "password.link_made", "user", user.id)
        return self._link(user)

    def sessions(self, viewer: Viewer, user_id: str) -> tuple[OpenSession, ...]:
        """Return the live sessions of a person, the last used first. Raises NotFound."""
        authorise(viewer, "administration.sessions")
        user = self._user(user_id)
        self._trail.record_view(viewer, "user.viewed", "user", user.id)
        return self._sessions.for_user(user, viewer.session_id)

    def end_session(self, viewer: Viewer, session_id: str) -> None:
        """End any one session, everywhere at once. Raises NotFound for one that is over."""
        authorise(viewer, "administration.end_session")
        found = self._sessions.queries.find(session_id)
        if found is None:
            raise NotFound(_("This session has already ended."))
        self._trail.record(viewer, "session.revoked", "user", found.user_id)
        self._sessions.end(session_id)

    def end_sessions(self, viewer: Viewer, user_id: str) -> int:
        """Sign a person out everywhere (but the administrator who asks, here); how many sessions. Raises NotFound."""
        authorise(viewer, "administration.end_sessions")
        user = self._user(user_id)
        self._trail.record(viewer, "sessions.revoked", "user", user.id)
        return self._sessions.end_all(user.id, but=viewer.session_id)

    def reset_second_factor(self, viewer: Viewer, user_id: str) -> User:
        """Take away a second factor that was lost, and sign the person out everywhere. Raises NotFound, Conflict."""
        authorise(viewer, "administration.reset_second_factor")
        user = self._user(user_id)
        if user.id == viewer.id:
            raise Conflict(_("You cannot reset your own second factor. Ask another administrator."))
        if not user.second_factor_at:
            raise NotFound(_("This person has no second factor."))
        self._trail.record(viewer, "second_factor.reset", "user", user.id)
        if not self._factors.drop_factor(user.id):
            raise NotFound(_("This person has no second factor."))
        self._sessions.end_all(user.id)
        return self._user(user_id)

    def rescue(self, email: str) -> OneTimeLink:
        """Return a one-time link for an active administrator, requested on the server; removes their second factor.

        Raises NotFound.
        """
        found = self._queries.credentials(email)
        if found is None or found[0].role != "admin" or not found[0].is_active:
            raise NotFound(_("No active administrator has this e-mail address."))
        self._trail.record(None, "password.link_made", "user", found[0].id)
        if found[0].second_factor_at:
            self._trail.record(None, "second_factor.reset", "user", found[0].id)
            self._factors.drop_factor(found[0].id)
        return self._link(found[0])

    def _change(self, viewer: Viewer, user_id: str, role: Role | None, active: bool | None) -> User:
        if role is not None and role not in ROLES:
            raise Invalid(_("There is no such role."))
        user, acts, fields = self._user(user_id), list[Callable[[Any], None]](), dict[str, Any]()
        if role not in (None, "admin") or active is False:
            _refuse_oneself(viewer, user)
        if role is not None:
            fields["role"] = role
            acts.append(self._noting(viewer, "user.role_changed", user, {"role": user.role}, {"role": role}))
        if active is not None:
            fields["isActive"] = active
            act: Act = "user.activated" if active else "user.deactivated"
            acts.append(self._noting(viewer, act, user, {"isActive": user.is_active}, {"isActive": active}))

        def note(session: Any) -> None:
            for each in acts:
                each(session)

        changed = self._queries.update_keeping_an_admin(user.id, fields, note) or user
        if active is False:
            self._sessions.end_all(user.id)
        self._follower.person_changed(user.id)
        self._cache.invalidate(TAG, BOARDS_TAG)
        return changed

    def _link(self, user: User) -> OneTimeLink:
        token, now = new_token(), self._clock.now()
        expires_at = now + RESET_LIFE
        self._sessions.queries.insert_ticket(
            fingerprint(token), "reset", user.id, "", now=now, expires_at=expires_at, only=True
        )
        is_mailed = self._mail_link(user, token, expires_at)
        return OneTimeLink(token=token, user=user, expires_at=expires_at, is_mailed=is_mailed)

    def _mail_link(self, user: User, token: str, expires_at: datetime) -> bool:
        """Mail the link to the person if mail and the school's address are configured; return whether it was."""
        if user.is_demo or not self._mails.base_url:
            return False
        address = f"{self._mails.base_url}/reset-password?token={token}"
        school = self._mails.school
        return self._mails.queue(
            "password-link",
            f"{user.id}:{fingerprint(token)[:16]}",
            Recipient(user_id=user.id, address=user.email, name=user.name, locale=user.locale),
            lambda: letters.password_link(user.name, school, address, moment(expires_at, user.time_zone, "long")),
        )

    def _noting(self, viewer: Viewer, act: Act, user: User, before: Facts, after: Facts) -> Callable[[Any], None]:
        """Return a function that records the act within the transaction that does it."""

        def note(session: Any) -> None:
            self._trail.record(viewer, act, "user", user.id, before=before, after=after, session=session)

        return note

    def _user(self, user_id: str) -> User:
        user = self._queries.user(user_id)
        if user is None:
            raise NotFound(_("There is no such person."))
        return user


def _refuse_oneself(viewer: Viewer, user: User) -> None:
    if user.id == viewer.id:
        raise Conflict(_("You cannot deactivate yourself. Ask another administrator."))
