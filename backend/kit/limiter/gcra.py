"""The arithmetic of limits on whole microseconds: the generic cell rate algorithm and growing delays. Pure.

limiter_redis.py says the same in Lua; a property test holds the two to the same decisions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

MICROSECONDS = 1_000_000
LEASE_SHARE = 20  # one process holds at most a twentieth of an allowance
LEASE_MOST = 10_000  # of quotas that are so large: half a second of one busy caller


@dataclass(frozen=True)
class Rule:
    """`quota` permits in a window: at most so many at once, and they come back evenly over the window.

    `counter` is where the use is kept. It names neither quota nor window, so that changing them keeps the history.
    """

    name: str
    quota: int
    window_seconds: int
    counter: str = ""

    @property
    def kept_as(self) -> str:
        return self.counter or self.name

    @property
    def interval(self) -> int:
        """Microseconds in which one permit comes back."""
        return -(-self.window_seconds * MICROSECONDS // self.quota)

    def scaled(self, share: float) -> "Rule":
        """The rule with that share of its quota, one at least."""
        return self if share == 1 else replace(self, quota=max(1, int(self.quota * share)))


@dataclass(frozen=True, eq=False)
class RuleSet:
    """Rules that are all asked in one call: the permit is given where every one of them gives it."""

    name: str
    rules: tuple[Rule, ...]
    lease: int = field(init=False, repr=False)
    policy: str = field(init=False, repr=False)
    prefixes: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        lease = min(LEASE_MOST, *(rule.quota // LEASE_SHARE for rule in self.rules))
        object.__setattr__(self, "lease", max(1, lease))
        said = (f'"{rule.name}";q={rule.quota};w={rule.window_seconds}' for rule in self.rules)
        object.__setattr__(self, "policy", ", ".join(said))
        object.__setattr__(self, "prefixes", tuple(f'"{rule.name}";r=' for rule in self.rules))

    def scaled(self, share: float) -> "RuleSet":
        """The set with that share of every quota."""
        return self if share == 1 else RuleSet(self.name, tuple(rule.scaled(share) for rule in self.rules))


class Grant(NamedTuple):
    """How many permits were given (0: refused), when to ask again, and by rule what is left and when it is whole."""

    taken: int
    retry: int
    remaining: tuple[int, ...]
    reset: tuple[int, ...]


def decide(
    kept: Mapping[str, int], rules: Sequence[Rule], now: int, *, wanted: int = 1, refund: int = 0
) -> tuple[Grant, dict[str, int]]:
    """Up to `wanted` permits at `now`, and what is to be kept: by counter, when the use so far will be forgotten.

    `refund` permits that were taken earlier and not used are given back first. GCRA in its virtual scheduling form,
    ITU-T I.371 (2004) annex A, with a tolerance of one whole window.
    """
    after = {}
    for rule in rules:
        interval = rule.interval
        forgotten = min(kept.get(rule.kept_as, now), now + rule.quota * interval)
        after[rule.kept_as] = max(now, forgotten - refund * interval)
    free = [_free(rule, after[rule.kept_as], now) for rule in rules]
    taken = min(wanted, *free)
    for rule in rules:
        after[rule.kept_as] += taken * rule.interval
    waits = [after[rule.kept_as] + rule.interval - now - rule.quota * rule.interval for rule in rules]
    grant = Grant(
        taken=taken,
        retry=0 if taken else max(0, *waits),
        remaining=tuple(have - taken for have in free),
        reset=tuple(after[rule.kept_as] - now for rule in rules),
    )
    return grant, after


def _free(rule: Rule, forgotten: int, now: int) -> int:
    return (now + rule.quota * rule.interval - forgotten) // rule.interval


@dataclass(frozen=True)
class Delay:
    """After `free` attempts without success each one waits twice as long as the one before, up to a most."""

    free: int
    first_seconds: int
    most_seconds: int
    forget_seconds: int

    def after(self, attempts: int) -> int:
        """Microseconds to wait after so many attempts."""
        if attempts < self.free:
            return 0
        doublings = min(attempts - self.free, 30)
        return min(self.first_seconds << doublings, self.most_seconds) * MICROSECONDS


class Attempts(NamedTuple):
    """How many attempts there were without success, and when the next one may be."""

    failed: int = 0
    not_before: int = 0


def attempt(known: Attempts, delay: Delay, now: int) -> tuple[int, Attempts]:
    """Microseconds to wait (0: go on, and it counts as failed until forgiven), and what is to be kept."""
    if now < known.not_before:
        return known.not_before - now, known
    failed = known.failed + 1
    return 0, Attempts(failed, now + delay.after(failed))
