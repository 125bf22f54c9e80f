"""Shapes of limits: what is configured, which sets of rules there are, and what administrators see of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backend.kit.limiter.gcra import Rule, RuleSet
from backend.kit.model import Shape

Tier = Literal["anonymous", "user", "premium"]
Kind = Literal[
    "api", "import", "export", "stream", "page", "page import", "page export", "sign-in", "sign-up", "browser"
]  # fmt: skip
TIERS: tuple[Tier, ...] = ("anonymous", "user", "premium")
HOUR, MINUTE = 3600, 60
WINDOWS = {"second": 1, "minute": MINUTE, "hour": HOUR, "day": 24 * HOUR}

# In addition to the caller's allowance.
EXTRA: Mapping[Kind, Rule] = {
    "import": Rule("import", 60, HOUR),
    "export": Rule("export", 60, HOUR),
}
# Instead of it, by person or address: what a page of ours does, and what has its own dangers. A whole school may
# stand behind one address, so these bound a flood, and a lesson of sixty who begin at once passes.
OWN: Mapping[Kind, tuple[Rule, ...]] = {
    "page import": (Rule("import", 60, HOUR),),
    "page export": (Rule("export", 60, HOUR),),
    "stream": (Rule("stream", 240, MINUTE),),
    "sign-in": (Rule("sign-in", 120, MINUTE),),
    "sign-up": (Rule("sign-up", 200, HOUR),),
    "browser": (Rule("browser", 600, MINUTE),),
}
# Gives way while the machine is loaded. People come before programs, and no door to an account is ever narrowed.
ADAPTED: frozenset[Kind] = frozenset({"api", "import", "export"})


def parse_rule(name: str, amount: str, counter: str = "") -> Rule:
    """The rule that an amount of the settings means, such as "100/hour"."""
    quota, window = amount.split("/")
    return Rule(name, int(quota), WINDOWS[window], counter)


@dataclass(frozen=True)
class Allowances:
    """The allowance of each tier, and how many requests may come at once."""

    anonymous: Rule
    user: Rule
    premium: Rule
    burst: Rule

    @classmethod
    def parsed(cls, anonymous: str, user: str, premium: str, burst: str) -> "Allowances":
        """From amounts such as "100/hour". All tiers share a counter, so a change of plan keeps the history."""
        return cls(
            parse_rule("anonymous", anonymous, "rate"),
            parse_rule("user", user, "rate"),
            parse_rule("premium", premium, "rate"),
            parse_rule("burst", burst),
        )

    def rule_for(self, tier: Tier) -> Rule:
        rule: Rule = getattr(self, tier)
        return rule

    def rule_set(self, tier: Tier, kind: Kind) -> RuleSet:
        """All rules that hold for a request of this kind by somebody of this tier."""
        if kind in OWN:
            return RuleSet(kind, OWN[kind])
        if kind == "page":
            rate = self.rule_for(tier)
            return RuleSet(kind, (Rule("page", rate.quota, rate.window_seconds), Rule("clicks", self.burst.quota, 1)))
        extra = (EXTRA[kind],) if kind in EXTRA else ()
        return RuleSet(f"{kind} {tier}", (self.rule_for(tier), self.burst, *extra))


class RuleLine(Shape, frozen=True, kw_only=True):
    """One rule as configured, and its quota as it is now."""

    name: str
    quota: int
    window_seconds: int
    now: int


class SetCount(Shape, frozen=True, kw_only=True):
    """How often this process allowed and refused by one set of rules."""

    name: str
    allowed: int
    refused: int


class Pressure(Shape, frozen=True, kw_only=True):
    """One reading of the machine, where it begins to press and where it presses in full, and how hard it does (0-1)."""

    name: str
    value: float
    calm: float
    full: float
    pressure: float


class LimitsReport(Shape, frozen=True, kw_only=True):
    """How limits stand in this process: the share of the allowances that is given, and why."""

    share: float
    target: float
    floor: float
    pressures: tuple[Pressure, ...]
    source: Literal["redis", "memory"]
    processes: int
    rules: tuple[RuleLine, ...]
    counts: tuple[SetCount, ...]
    as_of: datetime
