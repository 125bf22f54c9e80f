"""One fault, made several times over under people who save, and what is then held against the database."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from time import monotonic

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.kit.breaker import Breaker
from system_tests.faults.report import Figure, Figures
from tests.reliability.savers import Ack, Savers, people
from tests.reliability.verdict import disagreements, doubled, lost, statistics_agree
from tests.waiting import until

RESUMES_SECONDS = 15.0  # what is promised; held where figures are taken, for a test beside others may wait longer
OPENS_SECONDS = 60.0
LONG_FORM = "made by `make chaos` alone, for the time that it takes"

Fault = Callable[[], AbstractContextManager[object]]
"""The fault lasts as long as its block; what it returns has mended itself, or soon will have."""


def opening(breaker: Breaker, fault: Fault) -> Fault:
    """The same fault, which must open the breaker before it ends: callers are refused at once, and do not each wait."""

    @contextmanager
    def watched() -> Iterator[None]:
        with fault():
            yield
            until(lambda: not breaker.is_closed, seconds=OPENS_SECONDS)

    return watched


@dataclass
class TrialSchool:
    """A school, its students, and what was ever saved by them. A projector must run beside it."""

    backend: Backend
    students: list[Viewer] = field(default_factory=people)
    acks: list[Ack] = field(default_factory=list)


@dataclass(frozen=True)
class Trials:
    """Makes faults `rounds` times each, and keeps what was found."""

    rounds: int
    figures: Figures

    @property
    def is_long(self) -> bool:
        """Whether this is the long form."""
        return self.rounds > 1

    def run(self, ground: TrialSchool, name: str, fault: Fault, *, saving_goes_on: bool = True) -> Figure:
        """Sixteen save while it happens. Raises AssertionError where anything acknowledged is lost or counted twice,
        a kept figure is no recount, somebody read less than she had saved, or not all of them go on saving.

        Without `saving_goes_on`, everybody must be refused while the fault lasts.
        """
        gaps, longest = [], []
        with Savers(ground.backend, ground.students, ground.acks) as savers:
            savers.all_save_again()
            for _round in range(self.rounds):
                since = monotonic()
                with fault():
                    savers.all_save_again() if saving_goes_on else savers.all_are_refused()
                savers.all_save_again()
                gaps.append(savers.gap_seconds(since))
                longest.append(savers.longest_seconds(since))
        figure = self._figure(ground, name, savers, gaps, max(longest))
        self.figures.add(figure)
        assert (savers.strange, savers.stale) == ([], [])
        assert (figure.lost, figure.doubled) == (0, 0)
        assert disagreements(ground.backend, ground.students) == []
        statistics_agree(ground.backend)
        assert not (self.is_long and saving_goes_on) or max(gaps) < RESUMES_SECONDS
        return figure

    def _figure(self, ground: TrialSchool, name: str, savers: Savers, gaps: list[float], longest: float) -> Figure:
        return Figure(
            fault=name,
            times=self.rounds,
            saves=len(savers.acks),
            lost=lost(ground.backend, savers.acks),
            doubled=doubled(ground.backend, ground.students, ground.acks),
            gaps=gaps,
            longest=longest,
            refused=dict(savers.refused),
            unclear=sum(ack.was_saved for ack in savers.acks),
        )
