"""The day that work counts for: by the person's settings, and never made by changing them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import available_timezones

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from backend.accounts.models import ProfileChange, Viewer
from backend.bootstrap import Backend
from backend.kit.clock import SetClock
from backend.progress import rules
from backend.progress.models import CountedDay, ProgressChange, StreakRecord, SummaryRecord
from tests.classrooms.builders import save
from tests.school import School

START = datetime(2026, 11, 18, 12, tzinfo=UTC)
EAST, WEST, HOME = "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"
ZONES = st.sampled_from([EAST, WEST, HOME, "Pacific/Chatham", *sorted(available_timezones())])
SETTINGS = st.tuples(ZONES, st.integers(0, 6))
Save = tuple[timedelta, tuple[str, int]]
SAVES = st.lists(st.tuples(st.timedeltas(timedelta(0), timedelta(hours=30)), SETTINGS), min_size=1, max_size=12)


def counted(saves: Sequence[Save], summary: SummaryRecord | None = None) -> list[tuple[datetime, date]]:
    """The moment and the study day of each save, with the settings of its moment."""
    at, found, summary = START, [], summary or SummaryRecord(id="s")
    for wait, (zone, hour) in saves:
        at += wait
        day = rules.counted_for(at, zone, hour, summary)
        summary = replace(summary, counted_day=rules.counted_day(day, zone, hour, summary))
        found.append((at, day))
    return found


@given(SAVES)
@example([(timedelta(0), (HOME, 0)), (timedelta(0), (EAST, 0)), (timedelta(0), (WEST, 0))])
def test_days_never_go_back_nor_beyond_today_on_earth(saves: list[Save]) -> None:
    """Whatever the zones and hours: no day before the last one, none that has begun nowhere yet."""
    found = counted(saves)
    days = [day for _at, day in found]
    assert days == sorted(days)
    assert all(day <= (at + timedelta(hours=14)).date() for at, day in found)


@given(st.lists(SETTINGS, min_size=1, max_size=12))
@example([(HOME, 0), (EAST, 0), (WEST, 0)])
def test_settings_alone_make_no_day(settings: list[tuple[str, int]]) -> None:
    """At one moment all work counts for one day, however often the settings change between two saves."""
    assert len({day for _at, day in counted([(timedelta(0), each) for each in settings])}) == 1


@given(SAVES)
def test_there_are_no_more_days_than_have_passed(saves: list[Save]) -> None:
    """Settings may move the beginning of days, by the day and a bit that lies between the ends of the earth."""
    found = counted(saves)
    passed = (found[-1][0] - found[0][0]) / timedelta(days=1)
    assert len({day for _at, day in found}) <= passed + 3


@given(st.lists(st.timedeltas(timedelta(0), timedelta(hours=30)), min_size=1, max_size=12), SETTINGS)
def test_without_a_change_a_day_is_the_day_of_the_zone(waits: list[timedelta], settings: tuple[str, int]) -> None:
    """Who stays where they are has the calendar's days, ending at their hour."""
    for at, day in counted([(wait, settings) for wait in waits]):
        assert day == rules.study_day(at, *settings)


def test_a_traveller_has_each_day_once() -> None:
    """Flying east, the day that began at home ends at home; flying west, it goes on until midnight there."""
    evening = timedelta(hours=6)  # 23:30 in Kolkata, 03:00 of the next day in Tokyo
    east = counted([(evening, (HOME, 0)), (timedelta(0), ("Asia/Tokyo", 0)), (timedelta(hours=1), ("Asia/Tokyo", 0))])
    assert [day.day for _at, day in east] == [18, 18, 19]
    west = counted([(evening, (HOME, 0)), (timedelta(hours=9), ("America/New_York", 0))])
    assert [day.day for _at, day in west] == [18, 18]


def test_a_day_that_lies_in_the_future_is_left() -> None:
    """What a clock that ran ahead has counted does not hold work back: no day after today anywhere."""
    ahead = SummaryRecord(id="s", counted_day=CountedDay(day=date(2027, 3, 1), time_zone=HOME, day_end_hour=0))
    assert counted([(timedelta(0), (HOME, 0))], ahead)[0][1] == date(2026, 11, 19)


def test_summaries_from_before_go_on_from_their_last_study_day() -> None:
    """Where nothing was noted of the settings, no work counts for a day before the last study day."""
    known = SummaryRecord(id="s", streak=StreakRecord(current=3, longest=3, last_day=date(2026, 11, 19)))
    assert [day.day for _at, day in counted([(timedelta(0), (HOME, 0)), (timedelta(days=2), (HOME, 0))], known)] == [
        19,
        20,
    ]


def test_changing_the_time_zone_within_a_minute_makes_no_streak(
    backend: Backend, student: Viewer, school: School, clock: SetClock
) -> None:
    """Saved in three zones at once: one study day, a streak of one, and home shows what was saved as today's."""
    for number, zone in enumerate((HOME, EAST, WEST, EAST)):
        backend.accounts.update_profile(student, ProfileChange(time_zone=zone))
        viewer = school.viewer(school.user(student))
        save(backend, viewer, 0, f"k{number}", ProgressChange(questions_delta=5))
        clock.advance(timedelta(seconds=15))
        summary = backend.progress.record(student.id).summary
        assert (summary.studied_days, summary.streak.current) == (1, 1)
        days = backend.progress.record(student.id).days
        assert [each.day for each in days] == [backend.progress.today(viewer)]
    assert days[0].solved == 20
