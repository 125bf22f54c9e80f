"""Signing up and out; who a session belongs to; one's own profile. The ways in: signing_in.py."""

from collections.abc import Callable
from typing import Any, Protocol

from msgspec.structs import replace

from backend.accounts import rooms, validation
from backend.accounts.confirmations import Awaited, Confirmations
from backend.accounts.models import DemoSignIn, OpenSession, ProfileChange, User, Viewer, viewer_of
from backend.accounts.observers import NobodyFollows, PersonFollower
from backend.accounts.queries import AccountQueries, email_key
from backend.accounts.second_factor import SecondFactor
from backend.accounts.sessions import TAG, Sessions
from backend.accounts.signing_in import SigningIn, wrong_password
from backend.accounts.throttle import SignInThrottle
from backend.audit.trail import AuditTrail
from backend.errors import Conflict, Invalid, NotAllowed, NotFound
from backend.kit.cache import Cache, Region
from backend.kit.clock import Clock
from backend.kit.events.hub import EventHub
from backend.kit.i18n import _
from backend.kit.mongo.client import new_id
from backend.kit.security import passwords
from backend.kit.security.tokens import fingerprint
from backend.mails import letters
from backend.mails.models import Recipient
from backend.mails.service import MailService
from backend.policy import authorise

DEMO = Region("demoSignIns", tuple[DemoSignIn, ...], ttl_seconds=60)
Also = Callable[[Any], None]  # done within a transaction, whose session it is given
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
        confirmations: Confirmations,
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
        self._confirmations = confirmations

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
        user = validation.new_user(
            new_id(), name=name, email=email, role="admin", zone=self._time_zone, at=self._clock.now(), is_demo=is_demo
        )
        self._queries.insert_user(user, _hashed(password), first=True)
        self._cache.invalidate(BOARDS_TAG)
        return user

    def sign_up(self, *, name: str, email: str, password: str, join_code: str, is_demo: bool = False) -> User:
        """A new student in the classroom of the join code, at once. Raises Invalid, Conflict for a taken address."""
        awaited = self._newcomer_of_class(name, email, password, join_code, is_demo=is_demo)
        return self._add(awaited)

    def begin_sign_up(self, *, name: str, email: str, password: str, join_code: str) -> User | None:
        """As sign_up; but where mail is sent, None: a letter to that address asks to `confirm`.

        Then nothing here tells whether anybody has an account with the address. Raises Invalid; Conflict without mail.
        """
        awaited = self._newcomer_of_class(name, email, password, join_code)
        if not self._confirmations.is_possible:
            return self._add(awaited)
        self._confirmations.ask(awaited)
        return None

    def awaited(self, token: str) -> Awaited:
        """Return the request that the link in a mail confirms. Raises NotFound."""
        return self._confirmations.read(token)

    def confirm(self, token: str, password: str = "") -> User:
        """Carry out a confirmed request: add the student, who gives the chosen password, or change an address.

        The password keeps out a person who signed somebody else up with their own password. Raises NotFound for a link
        that no longer works, NotAllowed, RateLimited, Conflict if somebody else has the address by now.
        """
        awaited = self.awaited(token)
        if awaited.kind == "new-address":
            return self._confirmed_address(awaited, token)
        with self._throttle.attempt(fingerprint(token)):
            if not passwords.verify_password(awaited.password_hash, password):
                raise NotAllowed(_("This is not the password that you chose."), code="wrong_password")
        return self._add(awaited, lambda session: self._confirmations.spend(session, awaited, token))

    # being signed in

    def shut_demo_out(self) -> int:
        """End the sessions of demo people if the demo school is not allowed; return how many there were."""
        ended = 0 if self._demo_allowed else self._sessions.queries.end_of_demo()
        if ended:
            self._cache.invalidate(TAG)
        return ended

    def viewer(self, session_token: str) -> Viewer:
        """Return the person that the browser session belongs to, at most 2 s old. Raises NotSignedIn."""
        return self._sessions.viewer(fingerprint(session_token))

    def viewer_of_access_token(self, token: str) -> Viewer:
        """Return the person that an access token was issued to, while its session lives. Raises NotSignedIn."""
        return self._sessions.viewer_of_access_token(token)

    def sessions(self, viewer: Viewer) -> tuple[OpenSession, ...]:
        """The viewer's own live sessions, the last used first."""
        authorise(viewer, "accounts.sessions")
        return self._sessions.of(viewer, viewer.session_id)

    def end_session(self, viewer: Viewer, session_id: str) -> None:
        """End one of the viewer's own sessions, everywhere at once. Raises NotFound for any other."""
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
            authorise(viewer, "accounts.update_profile").id, validation.profile(self.me(viewer), change)
        )
        self._profile_changed(viewer.id)
        if user is None:
            raise NotFound(_("This account is gone."))
        return user

    def _profile_changed(self, user_id: str) -> None:
        self._follower.person_changed(user_id)
        self._cache.invalidate(TAG, BOARDS_TAG)

    def change_email(self, viewer: Viewer, email: str, change: ProfileChange | None = None) -> User:
        """The account with the rest of a `change`, under its new address; the old one is told, where mail is sent.

        There a letter to the new address asks to `confirm` first, so that nobody learns whose addresses are known; the
        account is answered as it is until then. Raises NotAllowed without a fresh password, Invalid, Conflict.
        """
        user = self.me(authorise(viewer, "accounts.change_email"))
        self._sessions.require_proof(viewer)
        tidied, rest = validation.address(email), change or ProfileChange()
        if not self._confirmations.is_possible or user.is_demo or email_key(tidied) == email_key(user.email):
            return self._moved(viewer, user, tidied, validation.profile(user, rest))
        if rest != ProfileChange():
            user = self.update_profile(viewer, rest)
        self._confirmations.ask(Awaited(kind="new-address", user=replace(user, email=tidied)))
        return user

    def _confirmed_address(self, awaited: Awaited, token: str) -> User:
        user = self._queries.user(awaited.user.id)
        if user is None or not self._sessions.may_enter(user):
            raise NotFound(_("This account is gone."))
        return self._moved(
            viewer_of(user),
            user,
            awaited.user.email,
            {},
            lambda session: self._confirmations.spend(session, awaited, token),
        )

    def _moved(
        self, viewer: Viewer, user: User, email: str, changed: dict[str, Any], also: Also = lambda _session: None
    ) -> User:
        """The account under its new address. Raises Conflict."""

        def note(session: Any) -> None:
            also(session)
            self._tell_old_address(user, email, session)
            self._trail.record(viewer, "email.changed", "user", user.id, session=session)

        moved = self._queries.change_email(user.id, email, changed, note)
        self._sessions.queries.drop_tickets(user.id)  # links that were sent to the old address
        self._profile_changed(user.id)
        return moved or user

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
                if not passwords.verify_password(hashed, current):
                    raise wrong_password()
        fresh = _hashed(new)
        self._trail.record(viewer, "password.changed", "user", viewer.id)
        if not self._queries.set_password(viewer.id, fresh, before=hashed):
            raise wrong_password()
        self._sessions.end_all(viewer.id, but=viewer.session_id)
        self._sessions.note_proof(viewer)

    # one-time links (made by AccountAdministration)

    def reset_owner(self, token: str) -> User:
        """Return the owner of a one-time link. Raises NotFound if it was used or is too old."""
        owner = self._sessions.queries.ticket_owner(fingerprint(token), "reset", self._clock.now())
        user = self._queries.user(owner) if owner else None
        if user is None:
            raise _spent_link()
        return user

    def reset_password(self, token: str, new: str) -> User:
        """Set a password by a one-time link; every session of the person ends. Raises Invalid, NotFound."""
        user, hashed, now = self.reset_owner(token), _hashed(new), self._clock.now()

        def spend(session: Any) -> None:
            if not self._sessions.queries.spend_within(session, fingerprint(token), "reset", now):
                raise NotFound(
                    _("This link was used already or is too old. Please ask an administrator for a new one.")
                )
            self._trail.record(None, "password.reset", "user", user.id, session=session)

        self._queries.reset_password(user.id, hashed, spend)
        self._sessions.end_all(user.id)
        return user

    def _newcomer_of_class(
        self, name: str, email: str, password: str, join_code: str, *, is_demo: bool = False
    ) -> Awaited:
        """Return the new student, once the fields, the password and the join code are valid. Raises Invalid."""
        classroom_id = self._classrooms.id_by_join_code(join_code)
        if classroom_id is None:
            raise Invalid(_("No class has this join code. Please ask your teacher for it."), code="join_code")
        zone, now = self._time_zone, self._clock.now()
        user = validation.new_user(new_id(), name=name, email=email, role="student", zone=zone, at=now, is_demo=is_demo)
        return Awaited(kind="sign-up", user=user, password_hash=_hashed(password), classroom_id=classroom_id)

    def _add(self, awaited: Awaited, also: Also | None = None) -> User:
        user = replace(awaited.user, created_at=self._clock.now())
        self._queries.insert_user(user, awaited.password_hash, awaited.classroom_id, also=also)
        self._cache.invalidate(BOARDS_TAG)  # the student is in the report of the class at once
        self._events.publish(rooms.CHANGED, rooms.of_membership(awaited.classroom_id))
        return user


def _spent_link() -> NotFound:
    return NotFound(_("This link was used already or is too old. Please ask an administrator for a new one."))


def _hashed(password: str) -> str:
    """Raises Invalid for a password that is too short, too long or too common."""
    passwords.check_new_password(password)
    return passwords.hash_password(password)
