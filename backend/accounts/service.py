"""One's own account: profile, address, password and sessions. Signing in: sign_in.py; signing up: registration.py."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from backend.accounts import validation
from backend.accounts.confirmations import Awaited, Confirmations
from backend.accounts.models import OpenSession, ProfileChange, User, Viewer, viewer_of
from backend.accounts.observers import BOARDS_TAG, NobodyFollows, PersonFollower
from backend.accounts.queries import AccountQueries, email_key
from backend.accounts.second_factor import SecondFactorService
from backend.accounts.sessions import TAG, Sessions
from backend.accounts.throttle import SignInThrottle
from backend.audit.trail import AuditTrail
from backend.errors import NotAllowed, NotFound
from backend.kit.cache import Cache
from backend.kit.i18n import _
from backend.kit.security import passwords
from backend.policy import authorise

Also = Callable[[Any], None]  # done within a transaction, whose session it is given


class AccountService:
    def __init__(
        self,
        queries: AccountQueries,
        sessions: Sessions,
        second_factor: SecondFactorService,
        confirmations: Confirmations,
        throttle: SignInThrottle,
        cache: Cache,
        trail: AuditTrail,
        *,
        follower: PersonFollower | None = None,
    ) -> None:
        self._queries = queries
        self._sessions = sessions
        self._second_factor = second_factor
        self._confirmations = confirmations
        self._throttle = throttle
        self._cache = cache
        self._trail = trail
        self._follower = follower or NobodyFollows()

    # sessions

    def sessions(self, viewer: Viewer) -> tuple[OpenSession, ...]:
        """The viewer's own live sessions, the last used first."""
        authorise(viewer, "accounts.sessions")
        return self._sessions.for_user(viewer, viewer.session_id)

    def end_session(self, viewer: Viewer, session_id: str) -> None:
        """End one of the viewer's own sessions, everywhere at once. Raises NotFound for any other."""
        authorise(viewer, "accounts.end_session")
        if self._sessions.end(session_id, viewer.id) is None:
            raise NotFound(_("This session has already ended."))

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

    # profile and address

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

    def confirm_address(self, awaited: Awaited, token: str) -> User:
        """Change the address as the person confirmed by a link. Raises NotFound, Conflict."""
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

    # password

    def change_password(self, viewer: Viewer, current: str, new: str) -> None:
        """Set a new password and end every other session. Raises NotAllowed for a wrong current one, Invalid.

        A person without a password (they sign in with the school's provider) must have signed in just now instead.
        """
        found = self._queries.credentials_of(authorise(viewer, "accounts.change_password").id)
        hashed = found[1] if found else None
        if hashed is None:
            self._sessions.require_proof(viewer)
        else:
            with self._throttle.attempt(viewer.id):
                if not passwords.verify_password(hashed, current):
                    raise _wrong_password()
        fresh = passwords.hash_new_password(new)
        self._trail.record(viewer, "password.changed", "user", viewer.id)
        if not self._queries.set_password(viewer.id, fresh, before=hashed):
            raise _wrong_password()
        self._sessions.end_all(viewer.id, but=viewer.session_id)
        self._sessions.note_proof(viewer)

    def reset_owner(self, token: str) -> User:
        """Return the owner of a one-time link. Raises NotFound if it was used or is too old."""
        owner = self._sessions.owner_of_link(token)
        user = self._queries.user(owner) if owner else None
        if user is None:
            raise _spent_link()
        return user

    def reset_password(self, token: str, new: str) -> User:
        """Set a password by a one-time link; every session of the person ends. Raises Invalid, NotFound."""
        user, hashed = self.reset_owner(token), passwords.hash_new_password(new)

        def spend(session: Any) -> None:
            if not self._sessions.spend_link(session, token):
                raise _spent_link()
            self._trail.record(None, "password.reset", "user", user.id, session=session)

        self._queries.reset_password(user.id, hashed, spend)
        self._sessions.end_all(user.id)
        return user

    def _moved(
        self, viewer: Viewer, user: User, email: str, changed: dict[str, Any], also: Also = lambda _session: None
    ) -> User:
        """The account under its new address. Raises Conflict."""

        def note(session: Any) -> None:
            also(session)
            self._confirmations.tell_old_address(user, email, session)
            self._trail.record(viewer, "email.changed", "user", user.id, session=session)

        moved = self._queries.change_email(user.id, email, changed, note)
        self._sessions.queries.drop_tickets(user.id)  # links that were sent to the old address
        self._profile_changed(user.id)
        return moved or user

    def _profile_changed(self, user_id: str) -> None:
        self._follower.person_changed(user_id)
        self._cache.invalidate(TAG, BOARDS_TAG)

    def _proven(self, viewer: Viewer, password: str, code: str) -> None:
        """Raise NotAllowed if the viewer's password or, with a second factor, their code is wrong."""
        found = self._queries.credentials_of(viewer.id)
        with self._throttle.attempt(viewer.id):
            if found is None or not passwords.verify_password(found[1], password):
                raise _wrong_password()
        if found[0].second_factor_at:
            self._second_factor.prove(viewer.id, code)


def _wrong_password() -> NotAllowed:
    return NotAllowed(_("Your current password is wrong."), code="wrong_password")


def _spent_link() -> NotFound:
    return NotFound(_("This link has been used or is too old. Please ask an administrator for a new one."))
