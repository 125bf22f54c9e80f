"""Open, find and end sessions. Shared by the services of this feature, which check permissions.

The lifetimes of sessions by role: SESSION_* in config.py.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from backend.accounts.models import DemoSignIn, OpenSession, SessionRecord, TokenPair, User, Viewer, viewer_of
from backend.accounts.queries import AccountQueries
from backend.accounts.session_queries import SessionQueries
from backend.errors import NotAllowed, NotSignedIn
from backend.kit.cache import Cache, Region
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.kit.ip_networks import network_of
from backend.kit.origin import origin
from backend.kit.security.tokens import ACCESS_SECONDS, AccessClaims, AccessTokens, fingerprint, new_token

DEMO = Region("demoSignIns", tuple[DemoSignIn, ...], ttl_seconds=60)
VIEWER = Region("viewers", Viewer, ttl_seconds=2)
TAG = "viewers"

SEEN_EVERY = timedelta(minutes=5)
PROOF_LIFE = timedelta(minutes=5)
DEVICE_LENGTH = 200


class Sessions:
    def __init__(
        self,
        queries: SessionQueries,
        people: AccountQueries,
        tokens: AccessTokens,
        cache: Cache,
        clock: Clock,
        *,
        limits: Mapping[str, tuple[timedelta, timedelta]],
        second_factor_roles: frozenset[str],
        demo_allowed: bool,
    ) -> None:
        self.queries = queries
        self._people = people
        self._tokens = tokens
        self._cache = cache
        self._clock = clock
        self._limits = limits
        self._second_factor_roles = second_factor_roles
        self._demo_allowed = demo_allowed

    def may_enter(self, user: User) -> bool:
        """Whether this person may have a session at all."""
        return user.is_active and (self._demo_allowed or not user.is_demo)

    def needs_second_factor(self, user: User) -> bool:
        """Whether the school requires a second factor for people of this role; never for demo people."""
        return user.role in self._second_factor_roles and not user.is_demo

    # opening and finding

    def open(self, user: User, kind: Literal["browser", "api"], device: str) -> tuple[SessionRecord, str, str]:
        """A new session, its reference token, and its refresh token (of use for programs alone)."""
        token, refresh, now = new_token(), new_token(), self._clock.now()
        session = SessionRecord(
            id=fingerprint(token),
            user_id=user.id,
            kind=kind,
            device=device[:DEVICE_LENGTH],
            place=network_of(origin().address),
            created_at=now,
            last_seen_at=now,
            expires_at=now + self._limits[user.role][1],
            proven_at=now,
        )
        if self.queries.insert(session, fingerprint(refresh) if kind == "api" else None):
            self.forget()
        self._people.note_sign_in(user.id, now)
        return session, token, refresh

    def open_for_program(self, user: User, device: str) -> TokenPair:
        """A new session of a program."""
        session, _token, refresh = self.open(user, "api", device)
        return self._pair(session, refresh)

    def refresh(self, refresh_token: str) -> TokenPair:
        """A fresh pair for a refresh token, which is spent by this.

        A token spent before ends its whole session (somebody else holds a copy). Raises NotSignedIn.
        """
        now, fresh, spent = self._clock.now(), new_token(), fingerprint(refresh_token)
        session = self.queries.refreshed_by(spent)
        user = session and self._owner(session, now)
        if session and user and self.queries.rotate_refresh(session.id, spent, fingerprint(fresh), now):
            return self._pair(session, fresh)
        if self.queries.end_that_spent(spent):
            self.forget()
        raise NotSignedIn(_("This refresh token is not valid. Please sign in again."), code="refresh_invalid")

    def viewer(self, session_id: str) -> Viewer:
        """Return the person that the session belongs to, at most 2 s old. Raises NotSignedIn if it is over."""
        return self._cache.get_or_create(VIEWER, session_id, lambda: self._load(session_id), tags=[TAG]).value

    def viewer_of_access_token(self, token: str) -> Viewer:
        """Return the person that an access token was issued to, while its session lives. Raises NotSignedIn."""
        claims = self._tokens.read(token, self._clock.now())
        viewer = self.viewer(claims.session_id)
        if viewer.id != claims.user_id:
            raise NotSignedIn(_("This access token is not valid."), code="token_invalid")
        return viewer

    def for_user(self, user: User | Viewer, this: str = "") -> tuple[OpenSession, ...]:
        """The live sessions of a person, the last used first; `this` is the id of the one that asks."""
        now = self._clock.now()
        return tuple(
            OpenSession(
                id=each.id,
                kind=each.kind,
                device=each.device,
                place=each.place,
                created_at=each.created_at,
                last_seen_at=each.last_seen_at,
                ends_at=self._end(each, user),
                is_this=each.id == this,
            )
            for each in self.queries.for_user(user.id)
            if now < self._end(each, user)
        )

    # proofs

    def require_proof(self, viewer: Viewer) -> None:
        """Raise NotAllowed unless the viewer has given their password in this session in the last five minutes."""
        session, now = self.queries.find(viewer.session_id), self._clock.now()
        if session is None or session.proven_at is None or now - session.proven_at > PROOF_LIFE:
            raise NotAllowed(_("Please confirm with your password first."), code="reauthentication_needed")

    def note_proof(self, viewer: Viewer) -> None:
        """Note that the viewer has just given their password again."""
        self.queries.note_proof(viewer.session_id, self._clock.now())

    # one-time links for a new password (made by AccountAdministration)

    def owner_of_link(self, token: str) -> str | None:
        """Return the id of the owner of a link; None if it was used or is too old."""
        return self.queries.ticket_owner(fingerprint(token), "reset", self._clock.now())

    def spend_link(self, session: Any, token: str) -> bool:
        """Spend a link within the transaction that uses it; return whether it was good."""
        return self.queries.spend_within(session, fingerprint(token), "reset", self._clock.now())

    # demo accounts

    def demo_sign_ins(self) -> tuple[DemoSignIn, ...]:
        """One demo account of each role, at most a minute old; none where the school is real."""
        return self._cache.get_or_create(DEMO, "all", self._people.demo_sign_ins, tags=[TAG]).value

    def shut_demo_out(self) -> int:
        """End the sessions of demo people if the demo school is not allowed; return how many there were."""
        ended = 0 if self._demo_allowed else self.queries.end_of_demo()
        if ended:
            self.forget()
        return ended

    # ending

    def end(self, session_id: str, user_id: str | None = None) -> str | None:
        """End one session everywhere (if given, only of this person); return its owner, None if not found."""
        owner = self.queries.end(session_id, user_id)
        self.forget()
        return owner

    def end_all(self, user_id: str, *, but: str = "") -> int:
        """End all sessions of a person but one, and any sign-in under way; return how many sessions ended."""
        self.queries.drop_tickets(user_id)
        ended = self.queries.end_all(user_id, but=but)
        self.forget()
        return ended

    def forget(self) -> None:
        """Invalidate the cached viewers in every process; call it after every change to a viewer."""
        self._cache.invalidate(TAG)

    def _pair(self, session: SessionRecord, refresh: str) -> TokenPair:
        claims = AccessClaims(user_id=session.user_id, session_id=session.id)
        access = self._tokens.sign(claims, self._clock.now())
        return TokenPair(access_token=access, expires_in=ACCESS_SECONDS, refresh_token=refresh)

    def _load(self, session_id: str) -> Viewer:
        now = self._clock.now()
        session = self.queries.find(session_id)
        user = session and self._owner(session, now)
        if not session or not user:
            raise NotSignedIn(_("You are signed out. Please sign in again."))
        if session.last_seen_at < now - SEEN_EVERY:
            self.queries.touch(session_id, now, now - SEEN_EVERY)
        return viewer_of(
            user,
            self._people.classroom_ids(user.id),
            session_id=session_id,
            lacks_second_factor=self.needs_second_factor(user) and user.second_factor_at is None,
        )

    def _owner(self, session: SessionRecord, now: datetime) -> User | None:
        """Return the owner of a live session; None if it is over or the owner may not enter."""
        user = self._people.user(session.user_id)
        return user if user and self.may_enter(user) and now < self._end(session, user) else None

    def _end(self, session: SessionRecord, user: User | Viewer) -> datetime:
        """Return when a session ends unless it is used, by the limits of its owner's present role."""
        idle, absolute = self._limits[user.role]
        return min(session.last_seen_at + idle, session.created_at + absolute, session.expires_at)
