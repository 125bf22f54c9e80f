"""Words about a learner, the same on every page: flag, change, last activity."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from backend.classrooms.models import URGENCY, Flag, Learner, RecentActivity
from backend.kit.i18n import _, ago, listing, ngettext, number
from pages.classrooms.pseudonyms import place_of
from pages.widgets.style import chip_text
from pages.widgets.tables import Cell

KINDS: dict[Flag, str] = {"on track": "on_track", "watch": "watch", "at risk": "at_risk"}
MISSING = "–"


def most_urgent_first(learners: Iterable[Learner], names: Mapping[str, str]) -> list[Learner]:
    """Sort by flag, then by the name on the screen: hidden names must not keep the order of the real ones."""
    return sorted(learners, key=lambda each: (URGENCY[each.flag], place_of(names[each.id]), each.id))


def is_flagged(learner: Learner) -> bool:
    """Whether the learner belongs on the list of those who need attention."""
    return learner.flag in ("watch", "at risk")


def flag_cell(learner: Learner) -> Cell:
    """The flag as a mark that sorts by urgency and says its reasons when pointed at."""
    if learner.flag is None:
        return Cell(_("New"), sort=URGENCY[None], hint=_("Joined less than 14 days ago"))
    hint = "\n".join(learner.reasons)
    return Cell(flag_word(learner.flag), sort=URGENCY[learner.flag], kind=KINDS[learner.flag], hint=hint)


def reasons_cell(learner: Learner) -> Cell:
    """Every reason, the first one foremost."""
    return Cell(learner.reasons[0], note=" · ".join(learner.reasons[1:]))


def flag_word(flag: Flag | None) -> str:
    """The flag as a word, for lists and files."""
    return _("New") if flag is None else chip_text(KINDS[flag])


def completed_words(completed: int, chapters: int) -> str:
    """ "12/101"."""
    return f"{number(completed)}/{number(chapters)}"


def signed(change: int) -> str:
    """A change with its sign: "+12", "−3", "0"."""
    return f"+{number(change)}" if change > 0 else number(change).replace("-", "−")


def since_words(at: datetime | None, now: datetime) -> str:
    """Return how long ago it was, in words; a dash for never."""
    if at is None:
        return MISSING
    return _("just now") if now - at < timedelta(minutes=1) else ago(now - at)


def change_words(activity: RecentActivity) -> str:
    """Return the effect of a saved change in words: status, questions, weak mark."""
    before, after = activity.before, activity.after
    said = []
    if after.status != before.status:
        said.append(chip_text(after.status))
    if after.question_solved != before.question_solved:
        said.append(_solved_words(after.question_solved - before.question_solved))
    if after.is_weak_chapter != before.is_weak_chapter:
        said.append(_("marked weak") if after.is_weak_chapter else _("no longer weak"))
    words = listing(said) if said else _("nothing changed")
    return _("Undone: {what}").format(what=words) if activity.is_undo else words


def _solved_words(more: int) -> str:
    count = abs(more)
    words = (
        ngettext("{count} question solved", "{count} questions solved", count)
        if more > 0
        else ngettext("{count} question taken back", "{count} questions taken back", count)
    )
    return words.format(count=number(count))
