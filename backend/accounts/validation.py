"""Validation of a person's name, address and settings. Pure."""

from datetime import date, datetime
from typing import Any
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email

from backend.accounts.models import EMAIL_LENGTH, GOAL_LIMIT, NAME_LENGTH, ProfileChange, Role, User
from backend.errors import Invalid
from backend.kit.i18n import _
from backend.kit.unicode_text import lookalike_key, shows_something, tidied, unwritable

BOARD_NAME_LENGTH = 30
FIRST_EXAM_YEAR, LAST_EXAM_YEAR = 2000, 2100


def new_user(user_id: str, *, name: str, email: str, role: Role, zone: str, at: datetime, is_demo: bool) -> User:
    """A new account with tidied fields. Raises Invalid naming the field."""
    return User(
        id=user_id,
        email=address(email),
        name=_name(name),
        role=role,
        time_zone=zone,
        is_demo=is_demo,
        created_at=at,
    )


def profile(user: User, change: ProfileChange) -> dict[str, Any]:
    """The (camelCase) fields that a profile change sets. Raises Invalid naming the field."""
    fields: dict[str, Any] = {}
    if change.name is not None:
        fields["name"] = _name(change.name)
    if change.daily_goal is not None:
        fields["dailyGoal"] = _between(change.daily_goal, 1, GOAL_LIMIT, _("The daily goal"))
    if change.exam_date is not None or change.clear_exam_date:
        fields["examDate"] = None if change.clear_exam_date else _exam_date(change.exam_date)
    if change.time_zone is not None:
        fields["timeZone"] = _zone(change.time_zone)
    if change.day_end_hour is not None:
        fields["dayEndHour"] = _between(change.day_end_hour, 0, 6, _("The hour at which your day ends"))
    if change.weekly_mail is not None:
        fields["weeklyMail"] = change.weekly_mail
    if change.board_name is not None:
        fields |= _on_boards(_board_name(change.board_name))
    if change.board_joined is not None:
        fields["boardJoined"] = change.board_joined
        if change.board_joined and not (fields.get("boardName") or user.board_name):
            raise Invalid(_("Choose a display name for the leaderboard."))
        if change.board_joined and user.board_name and "boardName" not in fields:
            fields |= _on_boards(user.board_name)  # what it looks like may not be known yet
    return fields


def short_text(value: str, length: int, field: str) -> str:
    """A name as it is kept: tidied, of at most `length` characters. Raises Invalid naming the `field`."""
    text = tidied(value)
    if not text:
        raise Invalid(_("{field} is missing.").format(field=field))
    if len(text) > length:
        raise Invalid(_("{field} may have at most {count} characters.").format(field=field, count=length))
    if unwritable(text) or not shows_something(text):
        raise Invalid(_("{field} has characters that cannot be shown.").format(field=field))
    return text


def address(value: str) -> str:
    """An e-mail address as it is kept. Raises Invalid."""
    try:
        return validate_email(
            value.strip()[: EMAIL_LENGTH + 1], check_deliverability=False, test_environment=True
        ).normalized
    except EmailNotValidError as error:
        raise Invalid(_("“{text}” is not an e-mail address.").format(text=value.strip()[:80])) from error


def _name(value: str) -> str:
    return short_text(value, NAME_LENGTH, _("The name"))


def _board_name(value: str) -> str:
    return short_text(value, BOARD_NAME_LENGTH, _("The display name"))


def _on_boards(name: str) -> dict[str, str]:
    """The display name, and what no two on the boards may have in common."""
    return {"boardName": name, "boardNameKey": lookalike_key(name)}


def _between(value: int, least: int, most: int, field: str) -> int:
    if not least <= value <= most:
        raise Invalid(_("{field} must be between {least} and {most}.").format(field=field, least=least, most=most))
    return value


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise Invalid(_("“{text}” is not a time zone.").format(text=value[:60]))
    return value


def _exam_date(value: date | None) -> str | None:
    if value is None:
        return None
    if not FIRST_EXAM_YEAR <= value.year <= LAST_EXAM_YEAR:
        raise Invalid(_("The exam date is not plausible."))
    return value.isoformat()
