"""The second factor: setting it up, checking it at sign-in, turning it off."""

import secrets
from datetime import datetime, timedelta

from backend.accounts.factor_queries import CodeAttempts, Factor, FactorQueries
from backend.accounts.models import FactorSetup, FactorState, RecoveryCodes, User, Viewer
from backend.accounts.queries import AccountQueries
from backend.accounts.sessions import Sessions
from backend.audit.trail import AuditTrail
from backend.errors import Conflict, NotAllowed, NotFound, RateLimited
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.kit.security import totp as codes
from backend.kit.security.encryption import Sealer
from backend.kit.security.passwords import hash_short_secret
from backend.policy import authorise

SETUP_LIFE = timedelta(minutes=30)
FREE_ATTEMPTS = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)  # 100 guesses a day at one of a million: the wait, not a lock, keeps thieves out


class SecondFactorService:
    def __init__(
        self,
        queries: FactorQueries,
        people: AccountQueries,
        sessions: Sessions,
        sealer: Sealer,
        clock: Clock,
        trail: AuditTrail,
        *,
        issuer: str,
    ) -> None:
        self._queries = queries
        self._people = people
        self._sessions = sessions
        self._sealer = sealer
        self._clock = clock
        self._trail = trail
        self._issuer = issuer

    def state(self, viewer: Viewer, *, own: User | None = None) -> FactorState:
        """Return whether the viewer has a second factor, and how many recovery codes they have left.

        `own` is the viewer's account, if it was read just now.
        """
        authorise(viewer, "second_factor.state")
        user = own if own is not None and own.id == viewer.id else self._user(viewer)
        factor = self._queries.find(user.id).second_factor if user.second_factor_at else None
        return FactorState(
            enabled_at=user.second_factor_at,
            recovery_codes_left=len(factor.recovery_hashes) if factor else 0,
            is_required=self._sessions.needs_second_factor(user),
        )

    def begin(self, viewer: Viewer) -> FactorSetup:
        """A fresh secret for the viewer's app; `confirm` puts it into force within half an hour.

        Raises Conflict if they have a second factor, NotAllowed if they did not give their password just now.
        """
        user = self._user(authorise(viewer, "second_factor.begin"))
        if user.second_factor_at:
            raise Conflict(_("You have a second factor already. Turn it off before you set up another one."))
        self._sessions.require_proof(viewer)
        secret = codes.new_secret()
        self._queries.set_pending(user.id, self._sealer.seal(secret), self._clock.now() + SETUP_LIFE)
        return FactorSetup(secret=secret, address=codes.address(secret, account=user.email, issuer=self._issuer))

    def confirm(self, viewer: Viewer, code: str) -> RecoveryCodes:
        """Put the begun second factor into force by its first code; every other session ends. Shows recovery codes.

        Raises NotAllowed for a wrong code, RateLimited after too many, NotFound where nothing was begun.
        """
        user, now = self._user(authorise(viewer, "second_factor.confirm")), self._clock.now()
        stored = self._queries.find(user.id)
        pending = stored.pending_factor
        secret = self._sealer.open(pending.sealed) if pending and now < pending.expires_at else None
        if pending is None or secret is None:
            raise NotFound(_("This set-up has expired. Please start again."), code="setup_expired")
        self._count(user.id, stored.factor_attempts, now)
        step = codes.matching_step(secret, code, now)
        if step is None:
            raise _wrong()
        fresh, salt, hashes = _recovery()
        factor = Factor(
            sealed=self._sealer.seal(secret),
            key_id=self._sealer.key_id,
            last_step=step,
            recovery_salt=salt,
            recovery_hashes=hashes,
        )
        self._trail.record(viewer, "second_factor.enabled", "user", user.id)
        if not self._queries.set_factor(user.id, factor, now, sealed=pending.sealed):
            raise NotFound(_("This set-up has expired. Please start again."), code="setup_expired")
        self._queries.forget_attempts(user.id)
        self._sessions.end_all(user.id, but=viewer.session_id)
        return RecoveryCodes(codes=fresh)

    def renew_codes(self, viewer: Viewer) -> RecoveryCodes:
        """Ten new recovery codes; the old ones stop working. Raises NotAllowed without a fresh password, NotFound."""
        authorise(viewer, "second_factor.renew_codes")
        self._sessions.require_proof(viewer)
        fresh, salt, hashes = _recovery()
        if not self._queries.set_recovery(viewer.id, salt, hashes):
            raise NotFound(_("You have no second factor."))
        return RecoveryCodes(codes=fresh)

    def turn_off(self, viewer: Viewer) -> None:
        """Sign in by password alone again. Raises Conflict where the school wants it, NotAllowed, NotFound."""
        user = self._user(authorise(viewer, "second_factor.turn_off"))
        if self._sessions.needs_second_factor(user):
            raise Conflict(_("Your school requires a second factor for your role. It cannot be turned off."))
        self._sessions.require_proof(viewer)
        if not user.second_factor_at:
            raise NotFound(_("You have no second factor."))
        self._trail.record(viewer, "second_factor.disabled", "user", user.id)
        self._queries.drop_factor(user.id)
        self._sessions.forget()

    def prove(self, user_id: str, code: str) -> None:
        """Use up one code of the app, or one recovery code.

        Raises NotAllowed where it is wrong or was used before, RateLimited after too many of these.
        """
        now, stored = self._clock.now(), self._queries.find(user_id)
        factor = stored.second_factor
        if factor is None:
            raise _wrong()
        self._count(user_id, stored.factor_attempts, now)
        if not self._is_right(user_id, factor, code, now):
            raise _wrong()
        self._queries.forget_attempts(user_id)

    def reseal(self) -> int:
        """Encrypt secrets again with the first key after keys were changed; return how many."""
        count = 0
        for user_id, sealed in self._queries.sealed_otherwise(self._sealer.key_id):
            secret = self._sealer.open(sealed)
            if secret:
                self._queries.seal_anew(user_id, sealed, self._sealer.seal(secret), self._sealer.key_id)
                count += 1
        return count

    def _is_right(self, user_id: str, factor: Factor, code: str, now: datetime) -> bool:
        if codes.looks_like_totp(code):
            secret = self._sealer.open(factor.sealed)
            step = codes.matching_step(secret, code, now) if secret else None
            return step is not None and self._queries.spend_step(user_id, step)
        typed = codes.tidied(code)
        if len(typed) != codes.RECOVERY_LENGTH:
            return False
        return self._queries.spend_recovery(user_id, hash_short_secret(typed, bytes.fromhex(factor.recovery_salt)))

    def _count(self, user_id: str, attempts: CodeAttempts | None, now: datetime) -> None:
        """Count an attempt before checking it, so that parallel attempts get no more tries than sequential ones."""
        before = attempts or CodeAttempts()
        wait = (before.retry_at - now).total_seconds() if before.retry_at else 0.0
        if wait > 0 or not self._queries.count_attempt(user_id, before, now + _wait(before)):
            words = _("Too many wrong codes. Please wait a little and try again.")
            raise RateLimited(words, retry_after_seconds=max(1.0, wait))

    def _user(self, viewer: Viewer) -> User:
        user = self._people.user(viewer.id)
        if user is None:
            raise NotFound(_("This account is gone."))
        return user


def _wait(before: CodeAttempts) -> timedelta:
    """How long after this attempt the next may come: at once for the first five, then 30 s, doubled each time."""
    doublings = before.failures + 1 - FREE_ATTEMPTS
    return min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(doublings, 10)) if doublings >= 0 else timedelta(0)


def _recovery() -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Fresh recovery codes, their salt, and their hashes."""
    fresh, salt = codes.new_recovery_codes(), secrets.token_bytes(16)
    return fresh, salt.hex(), tuple(hash_short_secret(codes.tidied(each), salt) for each in fresh)


def _wrong() -> NotAllowed:
    return NotAllowed(_("This code is wrong, or was used before. Please try the next one."), code="wrong_code")
