"""Signing in by password, second factor or the school's own provider, in a browser or a program."""

from dataclasses import dataclass
from datetime import timedelta

from backend.accounts import validation
from backend.accounts.models import EMAIL_LENGTH, DemoSignIn, ProviderIdentity, TokenPair, User, Viewer
from backend.accounts.queries import AccountQueries, domain_of, email_key
from backend.accounts.second_factor import SecondFactorService
from backend.accounts.sessions import Sessions
from backend.accounts.throttle import SignInThrottle
from backend.errors import Conflict, NotSignedIn, SecondFactorNeeded
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.kit.mongo.client import new_id
from backend.kit.security import passwords
from backend.kit.security.tokens import fingerprint, new_token

TICKET_LIFE = timedelta(minutes=2)
CHALLENGE_LIFE = timedelta(minutes=5)
PROVIDER_LIFE = timedelta(minutes=5)
PROGRAM = "program"  # what the challenge of a program is bound to; a browser's own name never looks like it


@dataclass(frozen=True)
class ProviderRules:
    """Whom the school's OpenID provider may let in: domains whose addresses count as verified, and who may sign up."""

    trusted_domains: frozenset[str] = frozenset()
    sign_up_domains: frozenset[str] = frozenset()
    time_zone: str = "UTC"  # of people who sign up by it


class SignInService:
    """Find out who somebody is, by password, second factor or provider, and give them a session."""

    def __init__(
        self,
        queries: AccountQueries,
        sessions: Sessions,
        second_factor: SecondFactorService,
        throttle: SignInThrottle,
        clock: Clock,
        provider: ProviderRules,
    ) -> None:
        self._queries = queries
        self._sessions = sessions
        self._second_factor = second_factor
        self._throttle = throttle
        self._clock = clock
        self._provider = provider

    # being signed in

    def viewer(self, session_token: str) -> Viewer:
        """Return the person that the browser session belongs to, at most 2 s old. Raises NotSignedIn."""
        return self._sessions.viewer(fingerprint(session_token))

    def viewer_of_access_token(self, token: str) -> Viewer:
        """Return the person that an access token was issued to, while its session lives. Raises NotSignedIn."""
        return self._sessions.viewer_of_access_token(token)

    # demo accounts

    def demo_sign_ins(self) -> tuple[DemoSignIn, ...]:
        """One demo account of each role, at most a minute old; none where the school is real."""
        return self._sessions.demo_sign_ins()

    def shut_demo_out(self) -> int:
        """End the sessions of demo people if the demo school is not allowed; return how many there were."""
        return self._sessions.shut_demo_out()

    # passwords

    def authenticate(self, email: str, password: str) -> User:
        """The active person whose address and password these are; a second factor is still to be asked for.

        Raises NotSignedIn with one sentence for every way it can fail, after the same work; RateLimited where too
        many tries were wrong.
        """
        found = self._queries.credentials(email) if len(email) <= EMAIL_LENGTH else None
        user, hashed = found or (None, None)
        with self._throttle.attempt(user.id if user else email_key(email)):
            fits = passwords.verify_password(hashed, password)
            if user is None or not fits or not self._sessions.may_enter(user):
                raise NotSignedIn(_("E-mail address or password is wrong."), code="wrong_credentials")
        if hashed and passwords.needs_rehash(hashed):
            self._queries.set_password(user.id, passwords.hash_password(password), before=hashed)
        return user

    # browsers

    def issue_ticket(self, user: User, browser: str) -> str:
        """A ticket that `redeem_ticket` turns into a session: once, within two minutes, in the same browser.

        Raises SecondFactorNeeded, with a challenge for `complete_ticket`, where the person has a second factor.
        """
        self._challenge_if_needed(user, fingerprint(browser))
        return self._ticket(user.id, browser)

    def complete_ticket(self, challenge: str, code: str, browser: str) -> str:
        """Return a ticket for a challenge answered in the same browser. Raises NotSignedIn, NotAllowed, RateLimited."""
        return self._ticket(self._answered(challenge, code, fingerprint(browser)), browser)

    def redeem_ticket(self, ticket: str, browser: str, device: str) -> str:
        """The reference token of a new browser session. Raises NotSignedIn for a ticket spent, old or foreign."""
        user_id = self._sessions.queries.spend_ticket(
            fingerprint(ticket), "sign-in", fingerprint(browser), self._clock.now()
        )
        user = self._queries.user(user_id) if user_id else None
        if user is None or not self._sessions.may_enter(user):
            raise NotSignedIn(_("This sign-in has expired. Please sign in again."))
        self._throttle.remember(user.id)
        return self._sessions.open(user, "browser", device)[1]

    # programs

    def sign_in_program(self, email: str, password: str, device: str) -> TokenPair:
        """An access token and a refresh token. Raises NotSignedIn; SecondFactorNeeded, for `complete_program`."""
        user = self.authenticate(email, password)
        self._challenge_if_needed(user, PROGRAM)
        self._throttle.remember(user.id)
        return self._sessions.open_for_program(user, device)

    def complete_program(self, challenge: str, code: str, device: str) -> TokenPair:
        """The tokens of a program that answers its challenge. Raises NotSignedIn, NotAllowed, RateLimited."""
        user = self._queries.user(self._answered(challenge, code, PROGRAM))
        if user is None or not self._sessions.may_enter(user):
            raise _too_late()
        self._throttle.remember(user.id)
        return self._sessions.open_for_program(user, device)

    def refresh(self, refresh_token: str) -> TokenPair:
        """A fresh pair for a refresh token, which is spent by this.

        A token spent before ends its whole session (somebody else holds a copy). Raises NotSignedIn.
        """
        return self._sessions.refresh(refresh_token)

    # the school's own provider

    def enter_by_provider(self, identity: ProviderIdentity, browser: str) -> str:
        """Return a ticket for a person whom the school's OpenID provider has just authenticated.

        The person is found by the provider's subject, else by an address that it has verified. A new person becomes
        a student if their domain may sign up. Raises NotSignedIn with the reason, SecondFactorNeeded.
        """
        now = self._clock.now()
        if not now - PROVIDER_LIFE <= identity.issued_at <= now + PROVIDER_LIFE:
            raise NotSignedIn(_("This sign-in has expired. Please sign in again."), code="provider_expired")
        if not self._sessions.queries.note_used(fingerprint(identity.nonce), now, now + 3 * PROVIDER_LIFE):
            raise NotSignedIn(_("This sign-in has expired. Please sign in again."), code="provider_expired")
        user = self._queries.by_provider(identity.subject) or self._adopted(identity)
        if not self._sessions.may_enter(user):
            raise _unknown()
        return self.issue_ticket(user, browser)

    def _adopted(self, identity: ProviderIdentity) -> User:
        """The account of this address, from now on tied to this person at the provider."""
        if not identity.email_verified and domain_of(identity.email) not in self._provider.trusted_domains:
            words = _("Your provider has not verified your e-mail address, so we cannot know whose account this is.")
            raise NotSignedIn(words, code="provider_unverified")
        found = self._queries.credentials(identity.email)
        if found is None:
            return self._newcomer(identity)
        user = self._queries.tie_to_provider(found[0].id, identity.subject)
        if user is None:
            raise _unknown()
        if user.role == "student":
            # The sign-up with this address may not have been by its owner: its password must no longer work.
            user = self._queries.forget_credentials(user.id) or user
            self._sessions.end_all(user.id)
        return user

    def _newcomer(self, identity: ProviderIdentity) -> User:
        if domain_of(identity.email) not in self._provider.sign_up_domains:
            raise _unknown()
        user = validation.new_user(
            new_id(),
            name=identity.name or identity.email.partition("@")[0],
            email=identity.email,
            role="student",
            zone=self._provider.time_zone,
            at=self._clock.now(),
            is_demo=False,
        )
        try:
            self._queries.insert_user(user, None)
        except Conflict as error:  # the same person in two tabs
            raise _too_late() from error
        self._queries.tie_to_provider(user.id, identity.subject)
        return user

    # steps

    def _ticket(self, user_id: str, browser: str) -> str:
        ticket, now = new_token(), self._clock.now()
        self._sessions.queries.insert_ticket(
            fingerprint(ticket), "sign-in", user_id, fingerprint(browser), now=now, expires_at=now + TICKET_LIFE
        )
        return ticket

    def _challenge_if_needed(self, user: User, binding: str) -> None:
        if user.second_factor_at is None:
            return
        challenge, now = new_token(), self._clock.now()
        self._sessions.queries.insert_ticket(
            fingerprint(challenge), "second-factor", user.id, binding, now=now, expires_at=now + CHALLENGE_LIFE
        )
        raise SecondFactorNeeded(
            _("Please enter the code of your authenticator app."),
            details={"challenge": challenge, "expiresIn": int(CHALLENGE_LIFE.total_seconds())},
        )

    def _answered(self, challenge: str, code: str, binding: str) -> str:
        """Spend a challenge by its code and return its owner. Raises NotSignedIn, NotAllowed, RateLimited."""
        hashed, now = fingerprint(challenge), self._clock.now()
        user_id = self._sessions.queries.ticket_owner(hashed, "second-factor", now, binding)
        if user_id is None:
            raise _too_late()
        self._second_factor.prove(user_id, code)
        if self._sessions.queries.spend_ticket(hashed, "second-factor", binding, now) is None:
            raise _too_late()
        return user_id


def _too_late() -> NotSignedIn:
    return NotSignedIn(_("This sign-in has expired. Please sign in again."), code="challenge_expired")


def _unknown() -> NotSignedIn:
    words = _("There is no account here for this person. Ask your teacher for a join code, or your administrator.")
    return NotSignedIn(words, code="provider_unknown")
