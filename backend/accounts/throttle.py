"""Rate limits of password attempts: a few tries are free, then one every few seconds, up to a number an hour.

A try that comes too soon waits in line, a few seconds at most, so that a person who guesses without pause
at a school's shared address does not shut the owner out. Budgets limit the total: of the account at one network, of a
network over all accounts, and of the account over all unknown networks. A browser in which the owner has
signed in before has only its own delay. A one-time link for a new password is not limited here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from backend.accounts.place_queries import PlaceQueries
from backend.errors import AppError, NotAllowed, NotSignedIn, RateLimited, Unavailable
from backend.kit.clock import Clock
from backend.kit.i18n import _, waiting_time
from backend.kit.limiter.gcra import Delay, Rule, RuleSet
from backend.kit.limiter.limiter import Limiter
from backend.kit.limiter.waiting_line import WaitingLine
from backend.kit.observability import log
from backend.kit.origin import origin
from backend.kit.security.tokens import fingerprint

DELAY = Delay(free=5, first_seconds=1, most_seconds=4, forget_seconds=24 * 3600)
BY_NETWORK = RuleSet("wrong passwords by network", (Rule("network", 150, 15 * 60),))
BY_ACCOUNT = RuleSet("wrong passwords by account", (Rule("account", 60, 3600),))
BY_ACCOUNT_AT_NETWORK = RuleSet("wrong passwords by account at a network", (Rule("lane", 60, 3600),))
LINE_SECONDS = 8.0  # two turns: one for a person who guesses without pause, the next for the owner
PLACES, PLACES_IN_ALL = 3, 12  # each holds a thread

_log = log.get(__name__)


class SignInThrottle:
    """Counts attempts in the limiter: in Redis, or in memory while Redis is away."""

    def __init__(self, limiter: Limiter, queries: PlaceQueries, clock: Clock) -> None:
        self._limiter = limiter
        self._queries = queries
        self._clock = clock
        self._line = WaitingLine(places=PLACES, places_in_all=PLACES_IN_ALL, seconds=LINE_SECONDS)

    @contextmanager
    def attempt(self, account: str) -> Iterator[None]:
        """Wrap one check of a password. It is counted before, so that parallel tries gain nothing over others, and
        the count is returned if it was right. `account` is the person's id, or the typed address if there is none.

        May wait `LINE_SECONDS`. Raises RateLimited, the same for accounts that do not exist.
        """
        lane, budgets = self._counted_by(account)
        taken: list[tuple[str, RuleSet]] = []
        try:
            self._take(budgets, taken)
            self._wait_for(lane, lambda: self._limiter.attempt(lane, DELAY))
        except RateLimited:
            self._give_back(taken)
            raise
        try:
            yield
        except (NotSignedIn, NotAllowed):
            raise
        except BaseException:  # nobody has learned anything about the password
            self._give_back(taken)
            raise
        self._give_back(taken)
        self._limiter.forgive(lane)

    def remember(self, user_id: str) -> None:
        """Remember the browser and network of a sign-in. An error is logged; the sign-in does not fail."""
        try:
            self._queries.remember(user_id, _knowable(user_id), self._clock.now())
        except AppError as error:
            _log.warning("place_not_remembered", reason=error.message)

    def forget(self, user_id: str) -> None:
        """Forget the wrong tries at an account that is about to go, wherever they are known to have come from."""
        for place in self._queries.for_user(user_id):
            self._limiter.forget(place)
            self._limiter.forget(f"account:{place}")
        self._limiter.forget(f"account:{user_id}")

    def _counted_by(self, account: str) -> tuple[str, tuple[tuple[str, RuleSet], ...]]:
        """Return the subject whose delay grows, and the budgets that an attempt takes from."""
        browser, network = _places(account)
        known: frozenset[str] = frozenset()
        with suppress(Unavailable):  # then the sign-in will say so itself
            known = self._queries.known(_knowable(account), self._clock.now())
        if browser in known:
            return browser, ()
        by_network = (f"network:{origin().address}", BY_NETWORK)
        at_network = (f"account:{network}", BY_ACCOUNT_AT_NETWORK)
        if network in known:
            return network, (at_network, by_network)
        return network, (at_network, by_network, (f"account:{account}", BY_ACCOUNT))

    def _take(self, budgets: tuple[tuple[str, RuleSet], ...], taken: list[tuple[str, RuleSet]]) -> None:
        for subject, rules in budgets:
            self._wait_for(subject, partial(self._wait_of, subject, rules))
            taken.append((subject, rules))

    def _wait_of(self, subject: str, rules: RuleSet) -> float:
        decision = self._limiter.take(subject, rules)
        return 0.0 if decision.allowed else decision.retry_after_seconds

    def _wait_for(self, subject: str, ask: Callable[[], float]) -> None:
        wait = self._line.wait_for(subject, origin().browser, ask)
        if wait:
            raise _too_many(wait)

    def _give_back(self, taken: list[tuple[str, RuleSet]]) -> None:
        for subject, rules in taken:
            self._limiter.give_back(subject, rules)


def _places(account: str) -> tuple[str, str]:
    """Return the names of this browser and this network for an account. They reveal neither."""
    here = origin()
    return fingerprint(f"{account}|browser|{here.browser}"), fingerprint(f"{account}|network|{here.address}")


def _knowable(account: str) -> tuple[str, ...]:
    """Return the names of places that exist: a program has no browser name, and an empty one would be shared by all."""
    here = origin()
    given = zip((here.browser, here.address), _places(account), strict=True)
    return tuple(name for value, name in given if value)


def _too_many(seconds: float) -> RateLimited:
    words = _(
        "Too many attempts with a wrong password. Please try again in {time}, or ask an "
        "administrator for a one-time link."
    )
    return RateLimited(words.format(time=waiting_time(seconds)), retry_after_seconds=seconds)
