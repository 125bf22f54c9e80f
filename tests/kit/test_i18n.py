"""Words, numbers and dates in the reader's language."""

import contextvars
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from backend.kit import i18n
from backend.kit.i18n import _, ago, clock_time, day, day_of, listing, moment, ngettext, number, percent, use_locale

AT = datetime(2026, 11, 22, 20, 32, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def speaks_english() -> Iterator[None]:
    """Each test begins and ends in the language of the school."""
    use_locale(i18n.DEFAULT_LOCALE)
    yield
    use_locale(i18n.DEFAULT_LOCALE)


def test_without_a_translation_words_stay() -> None:
    """A message without a translation is shown as it is written in the code, in either number."""
    use_locale("hi_IN")
    assert _("a sentence that nobody translated") == "a sentence that nobody translated"
    assert [ngettext("{n} pear", "{n} pears", count) for count in (0, 1, 2)] == ["{n} pears", "{n} pear", "{n} pears"]


def test_numbers_follow_the_locale() -> None:
    """Indian English groups by lakhs, German by dots; shares are whole percentages."""
    assert (number(1234567), percent(0.424)) == ("12,34,567", "42%")
    use_locale("de_DE")
    assert number(1234567) == "1.234.567"


def test_dates_follow_locale_and_zone() -> None:
    """The same moment is the next day in Kolkata, and is written as the reader writes it."""
    assert day(date(2026, 11, 22)) == "22 Nov 2026"
    assert moment(AT, "Asia/Kolkata").startswith("23 Nov 2026")
    assert moment(AT, "UTC").startswith("22 Nov 2026")
    assert clock_time(AT, "Asia/Kolkata").replace("\u202f", " ") == "2:02 am"
    use_locale("de_DE")
    assert (day(date(2026, 11, 22)), clock_time(AT, "UTC")) == ("22.11.2026", "20:32")


def test_how_long_ago_is_said_in_words() -> None:
    """ "3 days ago", and lists end with "and"."""
    assert ago(timedelta(days=3)) == "3 days ago"
    assert listing(["a", "b", "c"]) == "a, b and c"


def test_a_language_holds_for_one_run_alone() -> None:
    """What one request or script run speaks is not heard in another one."""
    contextvars.copy_context().run(use_locale, "de_DE")
    assert i18n.current_locale() == i18n.DEFAULT_LOCALE


def test_a_day_is_that_of_the_reader() -> None:
    """Half past eight in the evening of the 22nd in UTC is the 23rd in Kolkata, and still the 22nd in New York."""
    assert day_of(AT, "Asia/Kolkata") == "23 Nov 2026"
    assert day_of(AT, "America/New_York", "long") == "22 November 2026"
