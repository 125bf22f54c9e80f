"""When a learner of the demo school studies, and how much: habits, weekdays, gaps, holidays, test weeks. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from backend.demo.learners import RHYTHMS, Habit, InventedStudent

SATURDAY = 5
TEST_WEEKS = (0.34, 0.68, 0.97)  # where in the school's time the tests end
TEST_DAYS = 6
HOLIDAY = (0.50, 0.535)
SPRINT_ON, SPRINT_CYCLE = 5, 15
FADE_FROM, FADE_TO = 0.45, 0.12
STOPPED_FOR = 15  # days at least, so that everybody can see it
MOST_QUESTIONS = 90
MORNING_CHANCE = 0.2
DAWN = time(5, 30)
MORNING, EVENING, NIGHT = (6.0, 8.2), (16.2, 22.6), (23.3, 25.8)  # hours of the day


@dataclass(frozen=True)
class SchoolTime:
    """The time of the demo school: from day 0, `days` before today, until now."""

    now: datetime
    days: int
    zone: ZoneInfo

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def first_weekday(self) -> int:
        """Weekday of day 0; Monday is 0."""
        return self.date(0).weekday()

    def date(self, day: int) -> date:
        return self.today - timedelta(days=self.days - day)

    def at(self, day: int, minutes: float) -> datetime:
        """A moment of a day: so many minutes after its midnight, which may lie beyond the next one."""
        return datetime.combine(self.date(day), time(), self.zone) + timedelta(minutes=minutes)


def joined_at(own: Random, learner: InventedStudent, school: SchoolTime) -> datetime:
    """Return when a learner signed up: in the school hours of their first day, and before now."""
    return min(school.at(learner.first_day, own.uniform(8 * 60, 15 * 60)), school.now - timedelta(minutes=30))


def studied_at(
    own: Random, learner: InventedStudent, joined: datetime, school: SchoolTime, day: int
) -> datetime | None:
    """Return when a learner saves the work of a day; None if that is in the future, or before they joined."""
    night = learner.is_night_owl and day > learner.first_day
    morning = own.random() < MORNING_CHANCE and day > learner.first_day
    window = NIGHT if night else MORNING if morning else EVENING
    at, ago = school.at(day, own.uniform(*window) * 60), timedelta(minutes=own.uniform(5, 200))
    if day == school.days and at >= school.now:
        at = school.now - ago
        if at < datetime.combine(school.today, DAWN, school.zone):
            return None
    return at if joined < at < school.now else None


@dataclass(frozen=True)
class InventedDay:
    """A day of work: the day counted from the school's first (0), and how many questions."""

    day: int
    questions: int


def study_days(own: Random, learner: InventedStudent, days: int, first_weekday: int) -> Iterator[InventedDay]:
    """The days on which a learner works. `first_weekday` is that of day 0 (Monday is 0)."""
    gaps = _gaps(own, learner, days)
    last = days - own.randint(STOPPED_FOR, max(STOPPED_FOR, days // 2)) if learner.habit is Habit.STOPPED else days
    phase = own.randrange(SPRINT_CYCLE)
    for day in range(learner.first_day, days + 1):
        luck, volume = own.random(), own.lognormvariate(0, 0.38)
        drive = _drive(learner.habit, day, days, phase) * _push(day, days)
        is_weekend = (first_weekday + day) % 7 >= SATURDAY
        chance = learner.regularity * min(1.25, drive) * _weekday_chance(learner, is_weekend=is_weekend)
        if day <= last and not gaps & {day} and luck < chance:
            questions = learner.questions_a_day * volume * drive * (1.3 if is_weekend else 0.95)
            yield InventedDay(day, max(1, min(MOST_QUESTIONS, round(questions))))


def _gaps(own: Random, learner: InventedStudent, days: int) -> set[int]:
    """Days of illness, weddings and visits: nobody studies on them."""
    away: set[int] = set()
    for _gap in range(own.randint(0, RHYTHMS[learner.habit].most_gaps)):
        start = own.randrange(days + 1)
        away.update(range(start, start + own.randint(3, 9)))
    return away


def _drive(habit: Habit, day: int, days: int, phase: int) -> float:
    """Return the share of their usual pace that a learner keeps on this day."""
    if habit is Habit.SPRINTER:
        return 1.1 if (day + phase) % SPRINT_CYCLE < SPRINT_ON else 0.2
    if habit is Habit.FADING and days:
        gone = max(0.0, (day / days - FADE_FROM) / (1 - FADE_FROM))
        return 1 - (1 - FADE_TO) * gone
    return 1.0


def _push(day: int, days: int) -> float:
    """Tests draw work to the days before them; holidays and the days after a test push it away."""
    if days and HOLIDAY[0] <= day / days <= HOLIDAY[1]:
        return 0.35
    for share in TEST_WEEKS:
        distance = round(share * days) - day
        if 0 <= distance <= TEST_DAYS:
            return 1.45
        if distance in (-1, -2):
            return 0.55
    return 1.0


def _weekday_chance(learner: InventedStudent, *, is_weekend: bool) -> float:
    if learner.habit is Habit.STRONG:
        return 1.0
    if learner.likes_weekends:
        return 1.35 if is_weekend else 0.9
    return 0.75 if is_weekend else 1.08
