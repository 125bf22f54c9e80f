"""The learners of the demo school: their classes, habits and choices, drawn from one seed. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from random import Random

from backend.demo import names

EXAM_DAYS = ((1, 24), (4, 4))  # the two sessions of JEE Main in a usual year
LEAST_DAYS_TO_EXAM = 30
NIGHT_OWL_HOUR = 3  # the day-end hour of those who study past midnight
WEEKEND_SHARE, NIGHT_OWL_SHARE, BOARD_SHARE = 0.55, 0.1, 0.8


class Habit(StrEnum):
    STEADY = "steady"
    SLOW = "slow"
    STRONG = "strong"
    FADING = "fading"
    STOPPED = "stopped"
    SPRINTER = "sprinter"
    BEGINNER = "beginner"
    NEW = "new"


@dataclass(frozen=True)
class Rhythm:
    """A way of working: chance of studying on a usual day, questions on such a day, gaps in 120 days."""

    regularity: tuple[float, float]
    questions: tuple[float, float]
    most_gaps: int


RHYTHMS = {
    Habit.STEADY: Rhythm((0.58, 0.82), (10, 19), 2),
    Habit.SLOW: Rhythm((0.32, 0.52), (6, 12), 3),
    Habit.STRONG: Rhythm((0.82, 0.97), (15, 24), 1),
    Habit.FADING: Rhythm((0.55, 0.75), (11, 19), 2),
    Habit.STOPPED: Rhythm((0.45, 0.75), (8, 18), 1),
    Habit.SPRINTER: Rhythm((0.60, 0.75), (26, 38), 1),
    Habit.BEGINNER: Rhythm((0.50, 0.80), (7, 16), 0),
    Habit.NEW: Rhythm((0.0, 0.0), (0, 0), 0),
}
SHARES = {  # of a hundred learners
    Habit.STEADY: 32,
    Habit.SLOW: 18,
    Habit.STRONG: 15,
    Habit.FADING: 11,
    Habit.STOPPED: 7,
    Habit.SPRINTER: 7,
    Habit.BEGINNER: 6,
    Habit.NEW: 4,
}


@dataclass(frozen=True)
class Course:
    """A classroom of the demo school: whose it is, which classes' chapters it works on, and how hard."""

    name: str
    teacher: int
    classes: tuple[str, ...]
    effort: float
    exams_later: int = 0


COURSES = (
    Course("Class 12 A", 0, ("Class 12", "Class 11"), 1.15),
    Course("Class 12 B", 1, ("Class 12", "Class 11"), 1.05),
    Course("Class 11 A", 2, ("Class 11",), 0.66, exams_later=2),
    Course("Repeaters, evening batch", 0, ("Class 11", "Class 12"), 1.2),
)


@dataclass(frozen=True)
class InventedStudent:
    """An invented student. Days are counted from the school's first day, which is 0."""

    number: int
    name: str
    course: int
    habit: Habit
    first_day: int
    regularity: float
    questions_a_day: float
    likes_weekends: bool
    is_night_owl: bool
    daily_goal: int
    exam_date: date | None
    board_name: str | None

    @property
    def email(self) -> str:
        return f"student{self.number}@demo.school"


def dice(*parts: object) -> Random:
    """Dice that fall the same way for the same parts, whichever thread throws them."""
    return Random("/".join(str(part) for part in parts))  # noqa: S311  (invented people, no secrets)


def learners(seed: int, count: int, today: date, days: int) -> tuple[InventedStudent, ...]:
    """Everybody who goes to the school, in order of their number (1, 2, …)."""
    people = names.full_names(dice(seed, "names"), count)
    boards = names.board_names(dice(seed, "boards"), count)
    habits = _habits(seed, count)
    return tuple(
        _learner(dice(seed, "learner", index), index, people[index], habits[index], boards[index], count, today, days)
        for index in range(count)
    )


def exam_dates(today: date) -> list[date]:
    """The next exam days that leave some time, the nearest first."""
    days = [date(today.year + ahead, month, day) for ahead in range(4) for month, day in EXAM_DAYS]
    return [day for day in days if day >= today + timedelta(days=LEAST_DAYS_TO_EXAM)]


def _learner(
    own: Random, index: int, name: str, habit: Habit, board: str, count: int, today: date, days: int
) -> InventedStudent:
    course = _course(index, count)
    rhythm = RHYTHMS[habit]
    pace = own.uniform(*rhythm.questions) * COURSES[course].effort
    ahead = exam_dates(today)[COURSES[course].exams_later :]
    return InventedStudent(
        number=index + 1,
        name=name,
        course=course,
        habit=habit,
        first_day=_first_day(own, habit, days),
        regularity=own.uniform(*rhythm.regularity),
        questions_a_day=pace,
        likes_weekends=own.random() < WEEKEND_SHARE,
        is_night_owl=own.random() < NIGHT_OWL_SHARE,
        daily_goal=_goal(own, pace),
        exam_date=_exam(own, habit, ahead),
        board_name=board if own.random() < BOARD_SHARE and habit is not Habit.NEW else None,
    )


def _habits(seed: int, count: int) -> list[Habit]:
    """One habit each, by their shares, at least one of each kind where there is room, alike in every class."""
    room = max(0, count - len(SHARES))
    dealt = [habit for habit, share in SHARES.items() for _each in range(1 + room * share // 100)]
    dealt += [Habit.STEADY] * (count - len(dealt))
    # Dealt round the classes like cards, then shuffled inside each.
    classes = [[index for index in range(count) if _course(index, count) == course] for course in range(len(COURSES))]
    turns = sorted(range(count), key=lambda index: classes[_course(index, count)].index(index))
    found = dict(zip(turns, sorted(dealt), strict=False))
    for course, indexes in enumerate(classes):
        habits = [found[index] for index in indexes]
        dice(seed, "habits", course).shuffle(habits)
        found.update(zip(indexes, habits, strict=True))
    # The first student is the one that visitors look at: somebody in the middle of the course.
    steady = next((index for index in range(count) if found[index] is Habit.STEADY), 0)
    found[0], found[steady] = found[steady], found[0]
    return [found[index] for index in range(count)]


def _course(index: int, count: int) -> int:
    return index * len(COURSES) // count


def _first_day(own: Random, habit: Habit, days: int) -> int:
    if habit is Habit.NEW:
        return days - own.randint(0, min(4, days))
    if habit is Habit.BEGINNER:
        return days - own.randint(min(5, days), min(18, days))
    return own.choices((0, 1, 2, 5), (60, 20, 15, 5))[0]


def _exam(own: Random, habit: Habit, ahead: list[date]) -> date | None:
    """Choose an exam date: strong learners mostly the next session, others the one after; some have none."""
    is_early = habit in (Habit.STRONG, Habit.SPRINTER)
    return own.choices((ahead[0], ahead[1], None), (75, 20, 5) if is_early else (15, 68, 17))[0]


def _goal(own: Random, pace: float) -> int:
    """A daily goal near the own pace, as people choose them: a multiple of five."""
    return max(5, min(60, 5 * round((pace or 20) * own.uniform(0.8, 1.3) / 5)))
