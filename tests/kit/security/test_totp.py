"""Codes of an authenticator app: which moment's code passes, and how a code may be written."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from backend.kit.security import totp as codes

NOW = datetime(2026, 11, 18, 6, 30, 10, tzinfo=UTC)
SECRET = codes.new_secret()
STEP = int(NOW.timestamp()) // codes.STEP_SECONDS


def code_of(steps: int) -> str:
    return pyotp.TOTP(SECRET).at(NOW + timedelta(seconds=codes.STEP_SECONDS * steps))


@pytest.mark.parametrize(("steps", "found"), [(-2, None), (-1, STEP - 1), (0, STEP), (1, STEP + 1), (2, None)])
def test_a_code_is_good_for_half_a_minute_before_and_after(steps: int, found: int | None) -> None:
    """The step is told, so that it can be used up; older and younger codes are none."""
    assert codes.matching_step(SECRET, code_of(steps), NOW) == found


def test_a_code_may_be_written_as_apps_show_it() -> None:
    """Spaces and dashes between its digits are not part of it."""
    typed = code_of(0)
    for written in (f"{typed[:3]} {typed[3:]}", f" {typed[:3]}-{typed[3:]} ", f"{typed[:3]}\u00a0{typed[3:]}"):
        assert codes.matching_step(SECRET, written, NOW) == STEP


@pytest.mark.parametrize(
    ("typed", "is_one"),
    [
        ("123456", True),
        ("123 456", True),
        ("12345", False),
        ("1234567", False),
        ("ABCDE-23456", False),
        ("١٢٣٤٥٦", False),
    ],
)
def test_a_code_of_an_app_is_told_from_a_recovery_code(typed: str, is_one: bool) -> None:
    """Six digits, and digits of other scripts are none."""
    assert codes.looks_like_totp(typed) is is_one


def test_recovery_codes_are_ten_and_unlike_each_other() -> None:
    """None holds a sign that is easily taken for another, and none comes twice."""
    made = codes.new_recovery_codes()
    assert len(set(made)) == codes.RECOVERY_COUNT
    assert all(not set(code) & set("01IOLU") for code in made)
    assert {len(codes.tidied(code)) for code in made} == {codes.RECOVERY_LENGTH}
