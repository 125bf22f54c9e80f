"""Permits that a process takes ahead for one subject. The limiter holds its lock while it touches one."""

from dataclasses import dataclass
from time import monotonic
from typing import Literal

from backend.kit.limiter.gcra import MICROSECONDS, Grant, RuleSet

Source = Literal["redis", "memory"]

LEASE_SECONDS = 1.0
WORTH_RENEWING = 32  # smaller blocks are asked for when they are used up


@dataclass(slots=True)
class Lease:
    """So many permits until so long (monotonic), or the time until which there will be none."""

    subject: str
    rule_set: RuleSet
    source: Source
    block: int
    left: int
    low: int  # where the next block is fetched
    until: float
    refused_until: float
    remaining: tuple[int, ...]
    reset: tuple[int, ...]
    header: bytes  # with a place for each of `remaining`

    def end(self) -> None:
        """Whoever still looks at it finds nothing to take."""
        self.left = 0

    def extend(self, grant: Grant, block: int) -> bool:
        """Put another block to what is left; False, and nothing done, where nothing is left of it."""
        now = monotonic()
        if not self.left or now >= self.until:
            return False
        self.left += grant.taken
        self.block, self.low, self.until = block, _low(self.left), now + LEASE_SECONDS
        self.remaining, self.reset, self.header = grant.remaining, grant.reset, _header(self.rule_set, grant)
        return True


def leased(subject: str, rule_set: RuleSet, grant: Grant, source: Source, block: int) -> Lease:
    """What a grant leaves to this process after its first permit is used."""
    now, left = monotonic(), max(0, grant.taken - 1)
    return Lease(
        subject=subject,
        rule_set=rule_set,
        source=source,
        block=block,
        left=left,
        low=_low(left),
        until=now + LEASE_SECONDS,
        refused_until=0.0 if grant.taken else now + min(grant.retry / MICROSECONDS, LEASE_SECONDS),
        remaining=grant.remaining,
        reset=grant.reset,
        header=_header(rule_set, grant),
    )


def next_block(before: Lease | None, rule_set: RuleSet, now: float) -> tuple[int, int]:
    """How many permits to take, twice as many after a block that did not last, and how many to give back."""
    if before is None:
        return 1, 0
    if before.left == 0 and now < before.until:
        return min(rule_set.lease, before.block * 2), 0
    return 1, before.left if before.source == "redis" else 0


def _low(left: int) -> int:
    return left // 2 if left >= WORTH_RENEWING else -1


def _header(rule_set: RuleSet, grant: Grant) -> bytes:
    parts = zip(rule_set.prefixes, grant.reset, strict=True)
    return ", ".join(f"{prefix}%d;t={-(-reset // MICROSECONDS)}" for prefix, reset in parts).encode()
