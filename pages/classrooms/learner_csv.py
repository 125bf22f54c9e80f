"""The table of learners as a file: the columns of the screen, one row each."""

import csv
import io
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from backend.chapters.files.csv import is_calculated
from backend.classrooms.models import ClassReport, Learner
from backend.kit.i18n import _
from pages.classrooms.learner_text import flag_word, most_urgent_first

BOM = "\ufeff"  # without it Excel garbles names that are not Latin


def to_csv(report: ClassReport, names: Mapping[str, str], zone: str) -> bytes:
    """UTF-8 with BOM; numbers as numbers, times in ISO 8601 in `zone`, empty cells where there is no data."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_header())
    for learner in most_urgent_first(report.learners, names):
        writer.writerow(_row(learner, names[learner.id], zone))
    return (BOM + text.getvalue()).encode()


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
        _("Change against the 7 days before"),
        _("Weak"),
        _("Last activity"),
        _("Flag"),
        _("Reasons"),
    ]


def _row(learner: Learner, name: str, zone: str) -> list[str | int | None]:
    counts, at = learner.counts, learner.last_activity_at
    return [
        _safe(name),
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


def _safe(text: str) -> str:
    """A text that a spreadsheet would calculate gets an apostrophe before it."""
    return f"'{text}" if is_calculated(text) else text


def _iso(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")
