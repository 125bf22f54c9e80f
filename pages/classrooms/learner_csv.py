"""The table of learners as a file: the columns of the screen, one row each."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from backend.classrooms.models import ClassReport, Learner
from backend.kit import csv_cells
from backend.kit.i18n import _
from pages.classrooms.learner_text import flag_word, most_urgent_first


def to_csv(report: ClassReport, names: Mapping[str, str], zone: str) -> bytes:
    """UTF-8 with BOM; numbers as numbers, times in ISO 8601 in `zone`, empty cells where there is no data."""
    rows = [_row(learner, names[learner.id], zone) for learner in most_urgent_first(report.learners, names)]
    return csv_cells.content([_header(), *rows])


def file_name(class_name: str, day: date) -> str:
    """ "learners-12-a-2026-11-22.csv": a name that every system takes."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", class_name[:60]).casefold())
    return "-".join(["learners", *words, day.isoformat()]) + ".csv"


def _header() -> list[str]:
    return [
        _("Learner"),
        _("Completed"),
        _("Chapters"),
        _("Solved"),
        _("Solved in 7 days"),
        _("Change from the 7 days before"),
        _("Weak"),
        _("Last activity"),
        _("Flag"),
        _("Reasons"),
    ]


def _row(learner: Learner, name: str, zone: str) -> list[str | int | None]:
    counts, at = learner.counts, learner.last_activity_at
    return [
        name,
        counts.completed,
        counts.chapters,
        counts.solved if at else None,
        learner.solved_7_days,
        learner.change_7_days,
        counts.weak if at else None,
        _iso(at, zone) if at else None,
        flag_word(learner.flag),
        "; ".join(learner.reasons),
    ]


def _iso(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")
