"""The invented people and their days at full size, without a database: what makes them believable."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import mean
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.chapters.catalogue import catalogue
from backend.chapters.models import Chapter
from backend.demo.calendar import MOST_QUESTIONS, InventedDay, SchoolTime, joined_at, studied_at, study_days
from backend.demo.learners import COURSES, Habit, InventedStudent, dice, learners
from backend.demo.study import desk

TIME = SchoolTime(datetime(2026, 11, 22, 7, 0, tzinfo=UTC), 120, ZoneInfo("Asia/Kolkata"))
EVERYBODY = learners(2026, 120, TIME.today, TIME.days)


def days_of(learner: InventedStudent) -> list[InventedDay]:
    return list(study_days(dice(2026, "days", learner.number), learner, TIME.days, TIME.first_weekday))


@pytest.fixture(scope="module")
def days() -> dict[InventedStudent, list[InventedDay]]:
    return {learner: days_of(learner) for learner in EVERYBODY}


def syllabus() -> tuple[Chapter, ...]:
    """The shipped catalogue as chapters."""
    return tuple(
        Chapter(
            id=f"{number}",
            subject=draft.subject,
            class_=draft.class_,
            unit=draft.unit,
            chapter=draft.chapter,
            year_wise_question_count=draft.year_wise_question_count,
            question_total=sum(draft.year_wise_question_count.values()),
            version=1,
            created_at=TIME.now,
            updated_at=TIME.now,
        )
        for number, draft in enumerate(catalogue())
    )


def test_names_are_their_own() -> None:
    """120 different names, addresses and display names; no display name says who it is."""
    assert len({learner.name for learner in EVERYBODY}) == 120
    assert len({learner.email for learner in EVERYBODY}) == 120
    boards = [learner.board_name for learner in EVERYBODY if learner.board_name]
    assert len(set(boards)) == len(boards) > 80
    assert not {word for name in boards for word in name.split()} & {
        word for learner in EVERYBODY for word in learner.name.split()
    }


def test_the_seed_decides() -> None:
    """The same seed gives the same people, another seed others."""
    assert learners(2026, 120, TIME.today, TIME.days) == EVERYBODY
    assert not set(EVERYBODY) & set(learners(2027, 120, TIME.today, TIME.days))


def test_every_class_has_every_sort() -> None:
    """Each of the four classes has somebody new, somebody who stopped, slow, steady and strong ones."""
    for course in range(len(COURSES)):
        habits = Counter(learner.habit for learner in EVERYBODY if learner.course == course)
        assert habits.total() == 30
        assert {Habit.NEW, Habit.STOPPED, Habit.SLOW, Habit.STEADY, Habit.STRONG} <= set(habits)


def test_choices_differ() -> None:
    """Many but not all have an exam date, in the future; daily goals are several."""
    dates = [learner.exam_date for learner in EVERYBODY]
    assert 80 < sum(date is not None for date in dates) < 120
    assert all(date > TIME.today for date in dates if date)
    assert len({learner.daily_goal for learner in EVERYBODY}) >= 5


def test_paces_differ(days: dict[InventedStudent, list[InventedDay]]) -> None:
    """The strong study more often and solve more than the steady, and those more than the slow."""
    by_habit: dict[Habit, list[int]] = defaultdict(list)
    for learner, own in days.items():
        by_habit[learner.habit].append(sum(day.questions for day in own))
    assert mean(by_habit[Habit.STRONG]) > 1.3 * mean(by_habit[Habit.STEADY]) > 2 * mean(by_habit[Habit.SLOW])


def test_the_week_has_a_rhythm(days: dict[InventedStudent, list[InventedDay]]) -> None:
    """More questions are solved on a day of the weekend than on a working day."""
    questions: dict[bool, list[int]] = {True: [0] * (TIME.days + 1), False: [0] * (TIME.days + 1)}
    for own in days.values():
        for day in own:
            questions[TIME.date(day.day).weekday() >= 5][day.day] += day.questions
    weekend = [total for total in questions[True] if total]
    working = [total for total in questions[False] if total]
    assert mean(weekend) > 1.15 * mean(working)


def test_who_falls_behind_did_better_before(days: dict[InventedStudent, list[InventedDay]]) -> None:
    """Everybody of the fading habit solved more in the first half than twice what followed in the last quarter."""
    fading = [own for learner, own in days.items() if learner.habit is Habit.FADING]
    assert len(fading) >= 10
    for own in fading:
        first = sum(day.questions for day in own if day.day <= 60)
        last = sum(day.questions for day in own if day.day > 90)
        assert first > 2 * last


def test_some_have_gaps(days: dict[InventedStudent, list[InventedDay]]) -> None:
    """A third of the steady have a gap of five days or more, and went on after it."""
    steady = [own for learner, own in days.items() if learner.habit is Habit.STEADY]
    longest = [max(after.day - before.day for before, after in pairwise(own)) for own in steady]
    assert sum(gap > 5 for gap in longest) > len(steady) / 3


@settings(deadline=None)
@given(st.integers(), st.integers(1, 120), st.integers(0, 200), st.floats(0, 3000))
def test_any_seed_gives_a_possible_school(seed: int, count: int, length: int, later: float) -> None:
    """Whatever the seed, size and moment: nobody works before joining or in the future, or on a day out of range."""
    time = SchoolTime(TIME.now + timedelta(days=later), length, TIME.zone)
    everybody = learners(seed, count, time.today, length)
    assert len(everybody) == count
    learner = everybody[seed % count]
    own = dice(seed, "time")
    joined = joined_at(own, learner, time)
    for day in study_days(dice(seed, "days"), learner, length, time.first_weekday):
        assert learner.first_day <= day.day <= length
        assert 1 <= day.questions <= MOST_QUESTIONS
        at = studied_at(own, learner, joined, time, day.day)
        assert at is None or joined < at < time.now


def test_a_session_is_what_its_questions_say() -> None:
    """Until the syllabus is done, a session's changes add up to its questions, and completed chapters stay so."""
    chapters = syllabus()
    learner = next(learner for learner in EVERYBODY if learner.habit is Habit.STRONG)
    place = desk(dice(1), learner, COURSES[learner.course].classes, chapters, 1)
    solved: dict[str, int] = {}
    for _session in range(60):
        changes = place.session(17)
        before = sum(solved.values())
        for chapter_id, change in changes.items():
            if change.question_solved is not None:
                assert change.question_solved > solved.get(chapter_id, 0)
                solved[chapter_id] = change.question_solved
        assert before < sum(solved.values()) <= before + 17
        assert not any(change.status == "Not Started" for change in changes.values())
