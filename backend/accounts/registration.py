"""How a person gets an account: the first administrator, and students who sign up with the join code of a class."""

from collections.abc import Callable
from typing import Any, Protocol

from msgspec.structs import replace

from backend.accounts import rooms, validation
from backend.accounts.confirmations import Awaited, Confirmations
from backend.accounts.models import User
from backend.accounts.observers import BOARDS_TAG
from backend.accounts.queries import AccountQueries
from backend.accounts.service import AccountService
from backend.accounts.throttle import SignInThrottle
from backend.errors import Conflict, Invalid, NotAllowed
from backend.kit.cache import Cache
from backend.kit.clock import Clock
from backend.kit.events.hub import EventHub
from backend.kit.i18n import _
from backend.kit.mongo.client import new_id
from backend.kit.security import passwords
from backend.kit.security.tokens import fingerprint


class ClassroomFinder(Protocol):
    def id_by_join_code(self, code: str) -> str | None:
        """Id of the classroom with this join code."""
        ...


class RegistrationService:
    def __init__(
        self,
        queries: AccountQueries,
        classrooms: ClassroomFinder,
        accounts: AccountService,
        confirmations: Confirmations,
        throttle: SignInThrottle,
        cache: Cache,
        clock: Clock,
        events: EventHub,
        *,
        time_zone: str,
    ) -> None:
        self._queries = queries
        self._classrooms = classrooms
        self._accounts = accounts
        self._confirmations = confirmations
        self._throttle = throttle
        self._cache = cache
        self._clock = clock
        self._events = events
        self._time_zone = time_zone

    def has_users(self) -> bool:
        """Whether anybody has an account here; False on the very first visit."""
        return self._queries.any_user()

    def create_first_administrator(self, *, name: str, email: str, password: str, is_demo: bool = False) -> User:
        """The school's first account. Raises Conflict where there is one already, even made at the same moment."""
        if self.has_users():
            raise Conflict(_("This school already has an administrator. Please sign in."))
        user = validation.new_user(
            new_id(), name=name, email=email, role="admin", zone=self._time_zone, at=self._clock.now(), is_demo=is_demo
        )
        self._queries.insert_user(user, passwords.hash_new_password(password), first=True)
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
            return self._accounts.confirm_address(awaited, token)
        with self._throttle.attempt(fingerprint(token)):
            if not passwords.verify_password(awaited.password_hash, password):
                raise NotAllowed(_("This is not the password that you chose."), code="wrong_password")
        return self._add(awaited, lambda session: self._confirmations.spend(session, awaited, token))

    def _newcomer_of_class(
        self, name: str, email: str, password: str, join_code: str, *, is_demo: bool = False
    ) -> Awaited:
        """Return the new student, once the fields, the password and the join code are valid. Raises Invalid."""
        classroom_id = self._classrooms.id_by_join_code(join_code)
        if classroom_id is None:
            raise Invalid(_("No class has this join code. Please ask your teacher for it."), code="join_code")
        zone, now = self._time_zone, self._clock.now()
        user = validation.new_user(new_id(), name=name, email=email, role="student", zone=zone, at=now, is_demo=is_demo)
        return Awaited(
            kind="sign-up", user=user, password_hash=passwords.hash_new_password(password), classroom_id=classroom_id
        )

    def _add(self, awaited: Awaited, also: Callable[[Any], None] | None = None) -> User:
        user = replace(awaited.user, created_at=self._clock.now())
        self._queries.insert_user(user, awaited.password_hash, awaited.classroom_id, also=also)
        self._cache.invalidate(BOARDS_TAG)  # the student is in the report of the class at once
        self._events.publish(rooms.CHANGED, rooms.of_membership(awaited.classroom_id))
        return user
