"""The reads that must not know how large the school is: statistics, boards, a student's home."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from backend.bootstrap import Backend
from bench import plain
from bench.made import CHAPTERS
from bench.measures import Measure, Result, Target
from bench.pairs import interleaved
from bench.school import Bench, School, at_work, until

ROUNDS, ROUND_SECONDS, EACH = 15, 20.0, 5
GROWTH_ROUNDS, GROWTH_SECONDS = 300, 15.0
STRIDE = 37  # from one student to the next: no two in the same block of the data


@dataclass(frozen=True)
class TrialSchool:
    """A backend over a school; students come one after another, a different one each time."""

    backend: Backend
    school: School

    def students(self) -> Callable[[], int]:
        """Numbers of students, on and on through the whole school."""
        turns, students = count(), self.school.made.size.students
        return lambda: next(turns) * STRIDE % students


@contextmanager
def serving(bench: Bench, school: School) -> Iterator[TrialSchool]:
    """The product without its cache, its background work running and everyone's boards kept, as in life."""
    backend = bench.backend(school, is_caching=False)
    with at_work(backend):
        until(lambda: backend.statistics.projector_health().is_alive)
        backend.board_store.roll_over()
        yield TrialSchool(backend, school)


def statistics(on: TrialSchool) -> Callable[[], object]:
    """Statistics by subject and class, as the page and the API ask for them."""
    viewer = on.school.made.administrator()
    return lambda: on.backend.statistics.statistics(viewer, ("subject", "class"))


def top(on: TrialSchool) -> Callable[[], object]:
    """The first ten of all time, as a teacher sees them."""
    viewer = on.school.made.teacher(0)
    return lambda: on.backend.boards.board(viewer, period="all", limit=10)


def week(on: TrialSchool) -> Callable[[], object]:
    """The first ten of this week."""
    viewer = on.school.made.teacher(0)
    return lambda: on.backend.boards.board(viewer, period="week", limit=10)


def rank(on: TrialSchool) -> Callable[[], object]:
    """A student's own place of all time, with her neighbours."""
    number = on.students()
    return lambda: on.backend.boards.board(on.school.made.student(number()), period="all", limit=10, around=3)


def home(on: TrialSchool) -> Callable[[], object]:
    """Everything on a student's first screen."""
    number = on.students()
    return lambda: on.backend.overview.home(on.school.made.student(number()))


READS = {
    "statistics by subject and class": statistics,
    "board, top 10": top,
    "board, my rank": rank,
    "board of the week, top 10": week,
    "a student's home": home,
}


def take_speed(bench: Bench) -> Sequence[Result]:
    """How many times faster than the plain aggregation, at the largest size, nothing cached."""
    with serving(bench, bench.school(bench.largest)) as on:
        check_same(on)
        return _speed(bench, on)


def _speed(bench: Bench, on: TrialSchool) -> Sequence[Result]:
    mongo, number = on.backend.mongo, on.students()
    against: dict[str, Callable[[], object]] = {
        "statistics by subject and class": lambda: plain.statistics(mongo),
        "board, top 10": lambda: plain.top(mongo, 10),
        "board, my rank": lambda: plain.rank(mongo, on.school.made.student(number()).id),
    }
    size = f"{bench.largest.records:,} records"
    results = []
    for part, other in against.items():
        pair = interleaved(READS[part](on), other, rounds=ROUNDS, budget_seconds=ROUND_SECONDS, ours_each=EACH)
        ours, theirs = pair.medians
        results.append(Result(theirs / ours, f"{part}, {size}", ours, theirs, pair.samples))
    return results


def take_growth(bench: Bench) -> Sequence[Result]:
    """How many times slower in the largest school than in the smallest."""
    with (
        serving(bench, bench.school(bench.largest)) as large,
        serving(bench, bench.school(bench.smallest)) as small,
    ):
        return [_grown(part, read(large), read(small)) for part, read in READS.items()]


def check_same(on: TrialSchool) -> None:
    """Raises AssertionError where the product and the plain aggregation do not say the same."""
    made, mongo = on.school.made, on.backend.mongo
    kept = on.backend.statistics.statistics(made.administrator(), ("subject", "class")).rows
    ours = {(row.subject, row.class_): (row.completed, row.in_progress, row.weak, row.solved) for row in kept}
    theirs = {
        (row["_id"]["subject"], row["_id"]["class"]): tuple(
            row[each] for each in ("completed", "inProgress", "weak", "solved")
        )
        for row in plain.statistics(mongo)
    }
    _same("statistics", ours, theirs)
    board = on.backend.boards.board(made.student(STRIDE), period="all", limit=10)
    _same("top 10", [entry.score for entry in board.entries], [row["score"] for row in plain.top(mongo, 10)])
    _same("rank", board.me and board.me.rank, plain.rank(mongo, made.student(STRIDE).id))


def _same(what: str, ours: object, theirs: object) -> None:
    if ours != theirs:
        raise AssertionError(f"{what}: {ours} is not {theirs}")


def _grown(part: str, large: Callable[[], object], small: Callable[[], object]) -> Result:
    pair = interleaved(large, small, rounds=GROWTH_ROUNDS, budget_seconds=GROWTH_SECONDS, fewest=30)
    ours, theirs = pair.medians
    return Result(ours / theirs, part, ours, theirs, pair.samples)


MEASURES: tuple[Measure, ...] = (
    Measure(
        "aggregation",
        "data",
        "Reads that are kept instead of added up, cache off",
        "faster than the plain aggregation over progress",
        Target("at least", 100),
        take_speed,
    ),
    Measure(
        "growth",
        "data",
        f"Reads of the largest school ({CHAPTERS} chapters a student), cache off",
        "of the smallest",
        Target("at most", 1.3),
        take_growth,
    ),
)
