"""The words of the weekly letter. Pure. They inform without pressure: no blame, no streak that could be lost, no rank.

Names of students are shortened and reasons left out: mail passes through other companies' hands.
"""

from collections.abc import Sequence

from backend.classrooms.models import ClassReport
from backend.kit.i18n import _, listing, ngettext, number
from backend.kit.mail.message import Heading, Link, Part, Points, Small
from backend.mails.models import Content
from backend.progress.models import Home

MOST_NAMES = 5
MOST_CHAPTERS = 3
FEWEST_IN_A_ROW = 2  # a single day is no row


def for_teacher(name: str, school: str, reports: Sequence[ClassReport], address: str, leave: str) -> Content:
    """Return a teacher's e-mail: each class in a few lines, and who may need attention."""
    parts: list[Part] = [_("Hello {name},").format(name=name), _("This is how the last seven days went.")]
    for report in reports:
        parts += [Heading(report.classroom.name), Points(_lines(report))]
    parts += [Link(_("Open my classes"), f"{address}/classroom"), *_ending(school, leave)]
    return Content(_("Your classes this week"), parts)


def _lines(report: ClassReport) -> list[str]:
    figures = report.figures
    active = ngettext(
        "{active} of {count} student was active", "{active} of {count} students were active", figures.learners
    )
    solved = ngettext("{count} question solved", "{count} questions solved", figures.solved_7_days)
    lines = [
        active.format(active=number(figures.active_7_days), count=number(figures.learners)),
        solved.format(count=number(figures.solved_7_days)),
    ]
    flagged = [each.name for each in report.learners if each.flag in ("at risk", "watch")]
    if flagged:
        lines.append(_("Worth talking to: {names}").format(names=_named(flagged)))
    return lines


def _named(names: Sequence[str]) -> str:
    shown = [_short(each) for each in names[:MOST_NAMES]]
    more = len(names) - len(shown)
    if more:
        shown.append(ngettext("{count} more", "{count} more", more).format(count=number(more)))
    return listing(shown)


def _short(name: str) -> str:
    """Return a short name, such as "Sita S.": enough for the teacher."""
    first, *rest = name.split()
    return f"{first} {rest[-1][0]}." if rest else first


def for_student(name: str, school: str, home: Home, address: str, leave: str) -> Content:
    """Return a student's letter: their own week, and chapters to go on with. A quiet week is described as fine."""
    parts: list[Part] = [_("Hello {name},").format(name=name.split(maxsplit=1)[0]), *_week(home)]
    chapters = [each.chapter.chapter for each in home.study_next[:MOST_CHAPTERS]]
    if chapters:
        parts += [_("If you would like to continue, these are good chapters to begin with:"), Points(chapters)]
    parts += [Link(_("Open my page"), address or "/"), *_ending(school, leave)]
    return Content(_("Your week"), parts)


def _week(home: Home) -> list[Part]:
    if home.week_solved <= 0:
        return [_("It was a quiet week, and that is fine. Everything is where you left it.")]
    said = ngettext(
        "You solved {count} question in the last seven days. Well done!",
        "You solved {count} questions in the last seven days. Well done!",
        home.week_solved,
    )
    parts: list[Part] = [said.format(count=number(home.week_solved))]
    days = home.summary.streak.current
    if days >= FEWEST_IN_A_ROW:
        row = ngettext("You studied {count} day in a row.", "You studied {count} days in a row.", days)
        parts.append(row.format(count=number(days)))
    return parts


def _ending(school: str, leave: str) -> list[Part]:
    words = _("Sent by {school} because you asked for it. To stop it you need not sign in:")
    return [Small(words.format(school=school)), Link(_("Stop these e-mails"), leave)]
