"""Signing up and out; who a session belongs to; one's own profile. The ways in: signing_in.py."""

from typing import Any, Protocol

from backend.accounts import fields, rooms
from backend.accounts.followers import NobodyFollows, PersonFollower
from backend.accounts.models import DemoSignIn, OpenSession, ProfileChange, Role, User, Viewer
from backend.accounts.queries import AccountQueries, email_key
from backend.accounts.second_factor import SecondFactor
from backend.accounts.sessions import TAG, Sessions
from backend.accounts.signing_in import SigningIn, wrong_password
from backend.accounts.throttle import SignInThrottle
from backend.audit.trail import AuditTrail
from backend.errors import Conflict, Invalid, NotFound
from backend.kit import passwords
from backend.kit.cache import Cache, Region
from backend.kit.clock import Clock
from backend.kit.events import EventHub
from backend.kit.i18n import _
from backend.kit.mongo import new_id
from backend.kit.tokens import fingerprint
from backend.mails import letters
from backend.mails.models import Recipient
from backend.mails.service import MailService
from backend.policy import authorise

DEMO = Region("demoSignIns", tuple[DemoSignIn, ...], ttl_seconds=60)
BOARDS_TAG = "boards"  # a name or a choice changed on the profile shows on the boards at once


class ClassroomFinder(Protocol):
    def id_by_join_code(self, code: str) -> str | None:
        """Id of the classroom with this join code."""
        ...


class AccountService(SigningIn):
    def __init__(
        self,
        queries: AccountQueries,
        classrooms: ClassroomFinder,
        sessions: Sessions,
        second_factor: SecondFactor,
        cache: Cache,
        clock: Clock,
        events: EventHub,
        trail: AuditTrail,
        throttle: SignInThrottle,
        mails: MailService,
        *,
        time_zone: str,
        demo_allowed: bool,
        sign_up_domains: frozenset[str] = frozenset(),
        trusted_domains: frozenset[str] = frozenset(),
        follower: PersonFollower | None = None,
    ) -> None:
        super().__init__(
            queries,
            sessions,
            second_factor,
            clock,
            throttle,
            time_zone=time_zone,
            sign_up_domains=sign_up_domains,
            trusted_domains=trusted_domains,
        )
        self._follower = follower or NobodyFollows()
        self._classrooms = classrooms
        self._demo_allowed = demo_allowed
        self._cache = cache
        self._events = events
        self._trail = trail
        self._mails = mails

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

    # being signed in

    def shut_demo_out(self) -> int:
        """Where the demo school is not allowed, end what demo people had open; how many sessions that were."""
        ended = 0 if self._demo_allowed else self._sessions.queries.end_of_demo()
        if ended:
            self._cache.invalidate(TAG)
        return ended

    def viewer(self, session_token: str) -> Viewer:
        """Who the browser session belongs to, at most 2 s old. Raises NotSignedIn."""
        return self._sessions.viewer(fingerprint(session_token))

    def viewer_of_access_token(self, token: str) -> Viewer:
        """Who an access token speaks for, while its session lives. Raises NotSignedIn."""
        return self._sessions.viewer_of_access_token(token)

    def sessions(self, viewer: Viewer) -> tuple[OpenSession, ...]:
        """The viewer's own live sessions, the last used first."""
        authorise(viewer, "accounts.sessions")
        return self._sessions.of(self.me(viewer), viewer.session_id)

    def end_session(self, viewer: Viewer, session_id: str) -> None:
        """End one of the viewer's own sessions, everywhere at once. Raises NotFound for what is none of hers."""
        authorise(viewer, "accounts.end_session")
        if self._sessions.end(session_id, viewer.id) is None:
            raise NotFound(_("This session is over already."))

    def sign_out(self, viewer: Viewer) -> None:
        """End the viewer's present session, everywhere at once."""
        self._sessions.end(authorise(viewer, "accounts.sign_out").session_id)

    def sign_out_elsewhere(self, viewer: Viewer) -> int:
        """End all other sessions of the viewer; how many there were."""
        return self._sessions.end_all(authorise(viewer, "accounts.sign_out_elsewhere").id, but=viewer.session_id)

    def reauthenticate(self, viewer: Viewer, password: str, code: str = "") -> None:
        """Give the password (and a code, where there is a second factor) again: good for five minutes.

        Raises NotAllowed, RateLimited.
        """
        self._proven(authorise(viewer, "accounts.reauthenticate"), password, code)
        self._sessions.note_proof(viewer)

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

    def change_email(self, viewer: Viewer, email: str) -> User:
        """The account under its new address; the old one is told, where mail is sent.

        Raises NotAllowed without a fresh password, Invalid, Conflict.
        """
        user = self.me(authorise(viewer, "accounts.change_email"))
        self._sessions.require_proof(viewer)
        tidied = fields.address(email)

        def note(session: Any) -> None:
            self._tell_old_address(user, tidied, session)
            self._trail.record(viewer, "email.changed", "user", user.id, session=session)

        changed = self._queries.change_email(user.id, tidied, note)
        self._sessions.queries.drop_tickets(user.id)  # links that were sent to the old address
        self._sessions.forget()
        return changed or user

    def _tell_old_address(self, user: User, new: str, session: Any) -> None:
        if email_key(user.email) != email_key(new) and not user.is_demo:
            self._mails.queue(
                "address-changed",
                f"{user.id}:{new_id()}",
                Recipient(user_id=user.id, address=user.email, name=user.name, locale=user.locale),
                lambda: letters.address_changed(user.name, self._mails.school, new),
                session=session,
            )

    def change_password(self, viewer: Viewer, current: str, new: str) -> None:
        """Set a new password and end every other session. Raises NotAllowed for a wrong present one, Invalid.

        Who signs in with the school's provider and has no password yet gives none, but must have signed in just now.
        """
        found = self._queries.credentials_of(authorise(viewer, "accounts.change_password").id)
        hashed = found[1] if found else None
        if hashed is None:
            self._sessions.require_proof(viewer)
        else:
            with self._throttle.attempt(viewer.id):
                if not passwords.verify_password(hashed, current[: passwords.MAX_LENGTH]):
                    raise wrong_password()
        passwords.check_new_password(new)
        self._trail.record(viewer, "password.changed", "user", viewer.id)
        if not self._queries.set_password(viewer.id, passwords.hash_password(new), before=hashed):
            raise wrong_password()
        self._sessions.end_all(viewer.id, but=viewer.session_id)
        self._sessions.note_proof(viewer)

    # one-time links (made by AccountAdministration)

    def reset_owner(self, token: str) -> User:
        """Whose one-time link this is. Raises NotFound where it was used or is too old."""
        owner = self._sessions.queries.ticket_owner(fingerprint(token), "reset", self._clock.now())
        user = self._queries.user(owner) if owner else None
        if user is None:
            raise NotFound(_("This link was used already or is too old. Please ask for a new one."))
        return user

    def reset_password(self, token: str, new: str) -> User:
        """Set a password by a one-time link; every session of the person ends. Raises Invalid, NotFound."""
        user = self.reset_owner(token)
        passwords.check_new_password(new)
        hashed = passwords.hash_password(new)
        if self._sessions.queries.spend_ticket(fingerprint(token), "reset", "", self._clock.now()) is None:
            raise NotFound(_("This link was used already or is too old. Please ask for a new one."))
        self._trail.record(None, "password.reset", "user", user.id)
        self._queries.update_user(user.id, {"passwordHash": hashed})
        self._sessions.end_all(user.id)
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
