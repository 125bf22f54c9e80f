"""Permits that a process takes ahead for one subject. The limiter holds its lock while it touches one."""

from dataclasses import dataclass
from time import monotonic
from typing import Literal

from backend.kit.limiter.gcra import MICROSECONDS, Grant, RuleSet

Source = Literal["redis", "memory"]

LEASE_SECONDS = 1.0


@dataclass(slots=True)
class Lease:
    """A number of permits until a time (monotonic), or the time until which there are none."""

    rule_set: RuleSet
    source: Source
    block: int
    left: int
    until: float
    refused_until: float  # until then this process asks nobody
    retry_at: float
    remaining: tuple[int, ...]
    reset: tuple[int, ...]

    def end(self) -> None:
        """Leave no permits, for callers that still hold a reference."""
        self.left = 0


def leased(rule_set: RuleSet, grant: Grant, source: Source, block: int) -> Lease:
    """Return the lease that a grant leaves to this process after its first permit is used."""
    now, retry = monotonic(), grant.retry / MICROSECONDS
    return Lease(
        rule_set=rule_set,
        source=source,
        block=block,
        left=max(0, grant.taken - 1),
        until=now + LEASE_SECONDS,
        refused_until=0.0 if grant.taken else now + min(retry, LEASE_SECONDS),
        retry_at=now + retry,
        remaining=grant.remaining,
        reset=grant.reset,
    )


def next_block(before: Lease | None, rule_set: RuleSet, now: float) -> tuple[int, int]:
    """How many permits to take, twice as many after a block that did not last, and how many to give back."""
    if before is None:
        return 1, 0
    if before.left == 0 and now < before.until:
        return min(rule_set.lease, before.block * 2), 0
    return 1, before.left if before.source == "redis" else 0
