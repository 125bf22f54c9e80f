"""The look of each state (Completed, At risk, Warning …): its icon, its word and its colour. Tones: style.css."""

from collections.abc import Callable
from dataclasses import dataclass

from backend.kit.i18n import _


@dataclass(frozen=True)
class Mark:
    """How one state looks: an icon of the bundled Material set, a word, and a tone for its colours."""

    icon: str
    word: str
    tone: str


MARKS: dict[str, tuple[str, Callable[[], str], str]] = {
    "Not Started": ("radio_button_unchecked", lambda: _("Not started"), "gray"),
    "In Progress": ("clock_loader_40", lambda: _("In progress"), "blue"),
    "Completed": ("check_circle", lambda: _("Completed"), "green"),
    "weak": ("flag", lambda: _("Weak"), "orange"),
    "on_track": ("trending_up", lambda: _("On track"), "green"),
    "watch": ("visibility", lambda: _("Watch"), "orange"),
    "at_risk": ("support", lambda: _("At risk"), "red"),
    "ok": ("check_circle", lambda: _("OK"), "green"),
    "info": ("info", lambda: _("Information"), "blue"),
    "warning": ("warning", lambda: _("Warning"), "orange"),
    "error": ("error", lambda: _("Error"), "red"),
    "critical": ("emergency_home", lambda: _("Critical"), "red"),
    "deactivated": ("person_off", lambda: _("Deactivated"), "gray"),
    "unchanged": ("check", lambda: _("Unchanged"), "gray"),
    "unknown": ("help", lambda: _("Unknown"), "gray"),
}


def mark(kind: str) -> Mark:
    """The look of a state: a progress status, "weak", a flag (on_track, watch, at_risk) or a health state.

    An unforeseen kind gets the look of "unknown" and its own name as the word.
    """
    icon, word, tone = MARKS.get(kind, ("help", lambda: kind, "gray"))
    return Mark(icon, word(), tone)


def tone(kind: str) -> str:
    """The tone of a state alone, for the thousands of cells of a table."""
    return MARKS[kind][2] if kind in MARKS else "gray"
