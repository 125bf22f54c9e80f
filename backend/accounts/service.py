"""Signing up, in and out; who a session belongs to; one's own profile."""

from datetime import datetime, timedelta
from typing import Any, Protocol

from backend.accounts import fields, rooms
from backend.accounts.followers import NobodyFollows, PersonFollower
from backend.accounts.models import (
    EMAIL_LENGTH,
    DemoSignIn,
    ProfileChange,
    Role,
    SessionRecord,
    TokenPair,
    User,
    Viewer,
)
from backend.accounts.queries import AccountQueries
from backend.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn
from backend.kit import passwords
from backend.kit.cache import Cache, Region
from backend.kit.clock import Clock
from backend.kit.events import EventHub
from backend.kit.i18n import _
from backend.kit.mongo import new_id
from backend.kit.tokens import ACCESS_SECONDS, AccessClaims, AccessTokens, fingerprint, new_token
from backend.policy import authorise

VIEWER = Region("viewers", Viewer, ttl_seconds=2)
DEMO = Region("demoSignIns", tuple[DemoSignIn, ...], ttl_seconds=60)
TAG = "viewers"
BOARDS_TAG = "boards"  # a name or a choice changed on the profile shows on the boards at once

IDLE = timedelta(days=14)
ABSOLUTE = timedelta(days=60)
SEEN_EVERY = timedelta(minutes=5)
TICKET_LIFE = timedelta(minutes=2)


class ClassroomFinder(Protocol):
    def id_by_join_code(self, code: str) -> str | None:
        """Id of the classroom with this join code."""
        ...


class AccountService:
    def __init__(
        self,
        queries: AccountQueries,
        classrooms: ClassroomFinder,
        tokens: AccessTokens,
        cache: Cache,
        clock: Clock,
        events: EventHub,
        *,
        time_zone: str,
        demo_allowed: bool,
        follower: PersonFollower | None = None,
    ) -> None:
        self._queries = queries
        self._follower = follower or NobodyFollows()
        self._classrooms = classrooms
        self._demo_allowed = demo_allowed
        self._tokens = tokens
        self._cache = cache
        self._clock = clock
        self._events = events
        self._time_zone = time_zone

    # becoming someone

    def has_users(self) -> bool:
        """Whether anybody has an account here; False on the very first visit."""
        return self._queries.any_user()

    def demo_sign_ins(self) -> tuple[DemoSignIn, ...]:
        """One demo account of each role, at most a minute old; none where the school is real."""
        return self._cache.get_or_create(DEMO, "all", self._queries.demo_sign_ins, tags=[TAG]).value

    def create_first_administrator(self, *, name: str, email: str, password: str, is_demo: bool = False) -> User:
        """The school's first account. Raises Conflict where there is one already, even made at the same moment."""
        if self.has_users():
            raise Conflict(_("This school has its administrator already. Please sign in."))
        return self._create(name=name, email=email, password=password, role="admin", first=True, is_demo=is_demo)

    def sign_up(self, *, name: str, email: str, password: str, join_code: str, is_demo: bool = False) -> User:
        """A new student in the classroom of the join code. Raises Invalid, Conflict."""
        classroom_id = self._classrooms.id_by_join_code(join_code)
        if classroom_id is None:
            raise Invalid(_("No class has this join code. Please ask your teacher for it."), code="join_code")
        return self._create(
            name=name, email=email, password=password, role="student", classroom_id=classroom_id, is_demo=is_demo
        )

    # signing in, by browser and by program

    def authenticate(self, email: str, password: str) -> User:
        """The active person whose address and password these are.

        Raises NotSignedIn with one sentence for every way it can fail, after the same work.
        """
        found = self._queries.credentials(email) if len(email) <= EMAIL_LENGTH else None
        user, hashed = found or (None, None)
        fits = passwords.verify_password(hashed, password[: passwords.MAX_LENGTH])
        if user is None or not fits or not self._may_enter(user):
            raise NotSignedIn(_("E-mail address or password is wrong."), code="wrong_credentials")
        changes: dict[str, Any] = {"lastSignInAt": self._clock.now()}
        if hashed and passwords.needs_rehash(hashed):
            changes["passwordHash"] = passwords.hash_password(password)
        return self._queries.update_user(user.id, changes) or user

    def shut_demo_out(self) -> int:
        """Where the demo school is not allowed, end what demo people had open; how many sessions that were."""
        ended = 0 if self._demo_allowed else self._queries.end_demo_sessions()
        if ended:
            self._cache.invalidate(TAG)
        return ended

    def issue_ticket(self, user: User, browser: str) -> str:
        """A ticket that `redeem_ticket` turns into a session: once, within two minutes, in the same browser."""
        ticket, now = new_token(), self._clock.now()
        self._queries.insert_ticket(
            fingerprint(ticket), "sign-in", user.id, fingerprint(browser), now=now, expires_at=now + TICKET_LIFE
        )
        return ticket

    def redeem_ticket(self, ticket: str, browser: str, device: str) -> str:
        """The reference token of a new browser session. Raises NotSignedIn for a ticket spent, old or foreign."""
        now = self._clock.now()
        user_id = self._queries.spend_ticket(fingerprint(ticket), "sign-in", fingerprint(browser), now)
        if user_id is None:
            raise NotSignedIn(_("This sign-in has expired. Please sign in again."))
        # Whoever set a password by a link, or has just signed up, comes here without authenticate().
        self._queries.update_user(user_id, {"lastSignInAt": now})
        return self._open_session(user_id, "browser", device, now)[0]

    def sign_in_program(self, email: str, password: str, device: str) -> TokenPair:
        """An access token and a refresh token. Raises NotSignedIn."""
        user, now = self.authenticate(email, password), self._clock.now()
        token, refresh = self._open_session(user.id, "api", device, now)
        return self._pair(user.id, fingerprint(token), refresh, now)

    def refresh(self, refresh_token: str) -> TokenPair:
        """A fresh pair for a refresh token, which is spent by this.

        A token spent before ends its whole session (somebody else holds a copy). Raises NotSignedIn.
        """
        now, fresh, spent = self._clock.now(), new_token(), fingerprint(refresh_token)
        session = self._queries.rotate_refresh(spent, fingerprint(fresh), now, now + IDLE)
        if session is None:
            if self._queries.end_session_that_spent(spent):
                self._cache.invalidate(TAG)
            raise NotSignedIn(_("This refresh token is not valid. Please sign in again."), code="refresh_invalid")
        return self._pair(session.user_id, session.id, fresh, now)

    def viewer(self, session_token: str) -> Viewer:
        """Who the browser session belongs to, at most 2 s old. Raises NotSignedIn."""
        return self._viewer(fingerprint(session_token))

    def viewer_of_access_token(self, token: str) -> Viewer:
        """Who an access token speaks for, while its session lives. Raises NotSignedIn."""
        return self._viewer(self._tokens.read(token, self._clock.now()).session_id)

    def sign_out(self, viewer: Viewer) -> None:
        """End the viewer's present session, everywhere at once."""
        self._queries.end_session(authorise(viewer, "accounts.sign_out").session_id)
        self._cache.invalidate(TAG)

    def sign_out_elsewhere(self, viewer: Viewer) -> int:
        """End all other sessions of the viewer; how many there were."""
        ended = self._queries.end_sessions(authorise(viewer, "accounts.sign_out_elsewhere").id, but=viewer.session_id)
        self._cache.invalidate(TAG)
        return ended

    def sessions(self, viewer: Viewer) -> tuple[SessionRecord, ...]:
        """The viewer's own live sessions, the last used first."""
        return self._queries.sessions(authorise(viewer, "accounts.sessions").id, self._clock.now())

    # oneself

    def me(self, viewer: Viewer) -> User:
        """The viewer's own account."""
        user = self._queries.user(authorise(viewer, "accounts.me").id)
        if user is None:
            raise NotFound(_("This account is gone."))
        return user

    def update_profile(self, viewer: Viewer, change: ProfileChange) -> User:
        """The account after the change. Raises Invalid naming the field."""
        user = self._queries.update_user(
            authorise(viewer, "accounts.update_profile").id, fields.profile(self.me(viewer), change)
        )
        self._follower.person_changed(viewer.id)
        self._cache.invalidate(TAG, BOARDS_TAG)
        if user is None:
            raise NotFound(_("This account is gone."))
        return user

    def change_password(self, viewer: Viewer, current: str, new: str) -> None:
        """Set a new password and end every other session. Raises NotAllowed for a wrong present one, Invalid."""
        found = self._queries.credentials_of(authorise(viewer, "accounts.change_password").id)
        if found is None or not passwords.verify_password(found[1], current[: passwords.MAX_LENGTH]):
            raise NotAllowed(_("Your present password is wrong."), code="wrong_password")
        passwords.check_new_password(new)
        self._queries.update_user(viewer.id, {"passwordHash": passwords.hash_password(new)})
        self.sign_out_elsewhere(viewer)

    # one-time links (made by AccountAdministration)

    def reset_owner(self, token: str) -> User:
        """Whose one-time link this is. Raises NotFound where it was used or is too old."""
        owner = self._queries.ticket_owner(fingerprint(token), "reset", self._clock.now())
        user = self._queries.user(owner) if owner else None
        if user is None:
            raise NotFound(_("This link was used already or is too old. Please ask for a new one."))
        return user

    def reset_password(self, token: str, new: str) -> User:
        """Set a password by a one-time link; every session of the person ends. Raises Invalid, NotFound."""
        user = self.reset_owner(token)
        passwords.check_new_password(new)
        hashed = passwords.hash_password(new)
        if self._queries.spend_ticket(fingerprint(token), "reset", "", self._clock.now()) is None:
            raise NotFound(_("This link was used already or is too old. Please ask for a new one."))
        self._queries.update_user(user.id, {"passwordHash": hashed})
        self._queries.end_sessions(user.id)
        self._cache.invalidate(TAG)
        return user

    def _create(
        self,
        *,
        name: str,
        email: str,
        password: str,
        role: Role,
        classroom_id: str | None = None,
        first: bool = False,
        is_demo: bool = False,
    ) -> User:
        user = fields.new_user(
            new_id(), name=name, email=email, role=role, zone=self._time_zone, at=self._clock.now(), is_demo=is_demo
        )
        passwords.check_new_password(password)
        self._queries.insert_user(user, passwords.hash_password(password), classroom_id, first=first)
        self._cache.invalidate(BOARDS_TAG)  # she is in her class's report at once
        if classroom_id:
            self._events.publish(rooms.CHANGED, rooms.of_membership(classroom_id))
        return user

    def _may_enter(self, user: User) -> bool:
        return user.is_active and (self._demo_allowed or not user.is_demo)

    def _open_session(self, user_id: str, kind: Any, device: str, now: datetime) -> tuple[str, str]:
        token, refresh = new_token(), new_token()
        session = SessionRecord(
            id=fingerprint(token),
            user_id=user_id,
            kind=kind,
            device=device[:200],
            created_at=now,
            last_seen_at=now,
            expires_at=now + ABSOLUTE,
        )
        self._queries.insert_session(session, now + IDLE, fingerprint(refresh) if kind == "api" else None)
        return token, refresh

    def _pair(self, user_id: str, session_id: str, refresh: str, now: datetime) -> TokenPair:
        access = self._tokens.sign(AccessClaims(user_id=user_id, session_id=session_id), now)
        return TokenPair(access_token=access, expires_in=ACCESS_SECONDS, refresh_token=refresh)

    def _viewer(self, session_id: str) -> Viewer:
        def load() -> Viewer:
            now = self._clock.now()
            viewer = self._queries.viewer(session_id, now)
            if viewer is None:
                raise NotSignedIn(_("You are signed out. Please sign in again."))
            self._queries.touch_session(session_id, now, now + IDLE, now - SEEN_EVERY)
            return viewer

        return self._cache.get_or_create(VIEWER, session_id, load, tags=[TAG]).value
