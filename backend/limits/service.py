"""Rate limits: by person, else by address; lower for programs while the machine is loaded."""

import asyncio
from functools import cache

from backend.accounts.models import Viewer
from backend.errors import RateLimited
from backend.kit.clock import Clock
from backend.kit.i18n import _, waiting_time
from backend.kit.limiter.gcra import RuleSet
from backend.kit.limiter.limiter import Decision, Limiter
from backend.kit.limiter.load_governor import CALM, FLOOR, FULL, PARTS, Governor, MachineProbe
from backend.limits.models import (
    ADAPTED,
    TIERS,
    Allowances,
    Kind,
    LimitsReport,
    Pressure,
    RuleLine,
    SetCount,
    Tier,
)
from backend.policy import authorise


class LimitService:
    def __init__(
        self,
        limiter: Limiter,
        governor: Governor,
        allowances: Allowances,
        clock: Clock,
        probe: MachineProbe | None = None,
        *,
        is_adaptive: bool = True,
    ) -> None:
        self._is_adaptive = is_adaptive
        self._limiter = limiter
        self._governor = governor
        self._allowances = allowances
        self._clock = clock
        self._probe = probe
        self._whole = cache(allowances.rule_set)
        self._scaled = cache(lambda tier, kind, share: self._whole(tier, kind).scaled(share))

    def start(self) -> None:
        """Begin to hear of other processes, and to watch the machine (health asks how loaded it is)."""
        self._limiter.start()
        self._governor.start()

    def close(self) -> None:
        """Stop both."""
        self._governor.close()
        self._limiter.close()

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the delay of this event loop count as load."""
        if self._probe is not None:
            self._probe.watch(loop)

    def rules_for(self, viewer: Viewer | None, kind: Kind) -> RuleSet:
        """The set of rules that holds for this caller now."""
        tier: Tier = "anonymous" if viewer is None else "premium" if viewer.plan == "premium" else "user"
        if kind not in ADAPTED:
            return self._whole(tier, kind)
        return self._scaled(tier, kind, self._share())

    def held(self, viewer: Viewer | None, address: str, kind: Kind) -> Decision | None:
        """The decision, where it takes no waiting; else None, and `decide` must be asked."""
        return self._limiter.take_held(subject_of(viewer, address), self.rules_for(viewer, kind))

    def decide(self, viewer: Viewer | None, address: str, kind: Kind) -> Decision:
        """Decide whether this caller may do one more of this kind; count it if so. May wait for Redis; never raises."""
        return self._limiter.take(subject_of(viewer, address), self.rules_for(viewer, kind))

    def forget(self, user_id: str) -> None:
        """Forget the use of the allowance by a person who was deleted."""
        self._limiter.forget(_subject_of_person(user_id))

    def admit(self, viewer: Viewer | None, address: str, kind: Kind) -> None:
        """As `decide`. Raises RateLimited with a sentence that says when to go on."""
        decision = self.decide(viewer, address, kind)
        if not decision.allowed:
            raise refusal(decision)

    def report(self, viewer: Viewer) -> LimitsReport:
        """How limits stand in this process, and why. For administrators."""
        authorise(viewer, "limits.report")
        state, share = self._governor.state, self._share()
        rules = {self._allowances.rule_for(tier) for tier in TIERS} | {self._allowances.burst}
        return LimitsReport(
            share=share,
            target=state.target if self._is_adaptive else 1.0,
            floor=FLOOR,
            pressures=tuple(
                Pressure(
                    name=part,
                    value=getattr(state.readings, part),
                    calm=getattr(CALM, part),
                    full=getattr(FULL, part),
                    pressure=state.pressures[part],
                )
                for part in PARTS
            ),
            source=self._limiter.source,
            processes=self._limiter.processes,
            rules=tuple(
                RuleLine(
                    name=rule.name,
                    quota=rule.quota,
                    window_seconds=rule.window_seconds,
                    now=rule.scaled(share).quota,
                )
                for rule in sorted(rules, key=lambda rule: (rule.window_seconds == 1, rule.quota))
            ),
            counts=tuple(
                SetCount(name=name, allowed=allowed, refused=refused)
                for name, (allowed, refused) in self._limiter.counts().items()
            ),
            as_of=self._clock.now(),
        )

    def _share(self) -> float:
        return self._governor.share if self._is_adaptive else 1.0


def subject_of(viewer: Viewer | None, address: str) -> str:
    """Return the key of the allowance: the person's, wherever they are, else the address's."""
    return _subject_of_person(viewer.id) if viewer else f"address:{address}"


def _subject_of_person(user_id: str) -> str:
    return f"user:{user_id}"


def refusal(decision: Decision) -> RateLimited:
    """Return the error for a caller who asks too often."""
    words = _("That was too much at once. You can continue in {time}.").format(
        time=waiting_time(decision.retry_after_seconds)
    )
    return RateLimited(words, retry_after_seconds=decision.retry_after_seconds)
