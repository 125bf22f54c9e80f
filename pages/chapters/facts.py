"""Facts about one chapter: its figures in the exam, the state of the class, and a student's own history."""

from collections.abc import Sequence

from backend.accounts.models import Viewer
from backend.chapters.models import Chapter, OwnProgress
from backend.kit.i18n import _, day, moment, ngettext, number, percent
from backend.progress.models import Activity, ChapterDetail, ChapterRow
from backend.statistics.models import ChapterStatistics, OthersOnChapter
from pages.chapters.editable_rows import trend_words
from pages.chapters.text import chapter_path
from pages.shell import services
from pages.widgets.charts import bars_by_year, chart
from pages.widgets.elements import KeyFigure, empty_state, figures_html, metric_row, section
from pages.widgets.style import chip_text, escape, icon_html
from pages.widgets.tables import Cell, Column, Twin, Value, static_table


def neighbours(detail: ChapterDetail) -> str:
    """Links to the chapters before and after in the syllabus, as HTML."""
    get = services.backend().chapters.get
    ways = ((detail.previous_id, "arrow_back", _("Previous")), (detail.next_id, "arrow_forward", _("Next")))
    links = "".join(_way(get(chapter_id), icon, word) for chapter_id, icon, word in ways if chapter_id)
    return f'<nav class="cp-links" aria-label="{escape(_("Neighbouring chapters"))}">{links}</nav>'


def _way(chapter: Chapter, icon: str, word: str) -> str:
    words = f"<small>{icon_html(icon)}{escape(word)}</small><span>{escape(chapter.chapter)}</span>"
    return f'<a class="cp-go" href="{escape(chapter_path(chapter))}">{words}</a>'


def exam_figures(row: ChapterRow) -> str:
    """Asked in all and lately, share of the exam, trend, as HTML; no data where no past paper is known."""
    known = bool(row.chapter.year_wise_question_count)
    return figures_html(
        [
            KeyFigure(
                _("Asked in all years"),
                number(row.chapter.question_total) if known else None,
                _("Questions from this chapter in all past papers that we know."),
                icon="quiz",
            ),
            KeyFigure(
                _("Asked in 3 years"),
                number(row.recent_total) if known else None,
                _("Questions from this chapter in the last three exam years."),
                icon="event_repeat",
            ),
            KeyFigure(
                _("Share of the exam"),
                percent(row.exam_share, 1) if known else None,
                _(
                    "This chapter's part of all past-paper questions, where each year back counts four fifths of "
                    "the year after it."
                ),
                icon="pie_chart",
            ),
            _trend_figure(row, known=known),
        ]
    )


def _trend_figure(row: ChapterRow, *, known: bool) -> KeyFigure:
    icon, word = trend_words(row.trend)
    rule = _("The yearly average of the last three years against that of the years before: a quarter more is rising.")
    return KeyFigure(_("Trend"), (word or _("Steady")) if known else None, rule, icon=icon or "trending_flat")


def by_year(row: ChapterRow) -> None:
    """Questions of each exam year as bars with their numbers, and as a table."""
    section(_("Questions by exam year"))
    counts = tuple(sorted((int(year), count) for year, count in row.chapter.year_wise_question_count.items()))
    if not counts:
        empty_state("quiz", _("No past papers known"), _("A teacher can add the counts."), key="years")
        return
    total = sum(count for _year, count in counts)
    words = ngettext(
        "{count} question from {first} to {last}.", "{count} questions from {first} to {last}.", total
    ).format(count=number(total), first=counts[0][0], last=counts[-1][0])
    rows: list[list[Value]] = [[str(year), count] for year, count in counts]
    twin = Twin(_("Questions by exam year"), [_("Year"), Column(_("Questions"), numeric=True)], rows)
    chart(bars_by_year(counts, _("Questions")), words, twin, key="by-year", height=260)


def average_words(average: OthersOnChapter | None) -> str:
    """ "Your class: about 25 work on it, 10 completed it; 15 questions on average.", or why there is no such line."""
    if average is None:
        return _("No class average is shown: with so few at work on it, it would tell of single people.")
    return _(
        "Your class: about {students} work on it, {completed} of them completed it; {solved} questions on average."
    ).format(
        completed=number(average.completed),
        students=number(average.students),
        solved=number(average.average_solved),
    )


def everyone(statistics: ChapterStatistics) -> None:
    """How all students stand on the chapter, for teachers and administrators."""
    section(_("All students"))
    average = statistics.average_solved
    metric_row(
        [
            KeyFigure(_("Working on it"), number(statistics.students), _("Students who saved anything on it.")),
            KeyFigure(_("Completed"), number(statistics.completed), _("Students whose status is Completed.")),
            KeyFigure(_("Weak"), number(statistics.weak), _("Students who marked it weak.")),
            KeyFigure(
                _("Solved on average"),
                None if average is None else number(round(average, 1)),
                _("Questions solved, per student who saved anything on it."),
            ),
        ]
    )


def history(viewer: Viewer, activities: Sequence[Activity]) -> None:
    """The viewer's own changes, newest first, as a table."""
    section(_("Your history"), _("The last 50 changes, newest first."))
    if not activities:
        empty_state("history", _("Nothing saved here yet"), _("What you change above is listed here."), key="history")
        return
    undone = {activity.undoes for activity in activities}
    columns: list[Column | str] = [
        _("When"),
        _("Change"),
        Column(_("Study day"), rule=_("The day the change counts for, by your time zone and day end.")),
    ]
    rows = [_history_row(viewer, activity, is_undone=activity.id in undone) for activity in activities]
    static_table(Twin(_("Your changes on this chapter"), columns, rows))


def _history_row(viewer: Viewer, activity: Activity, *, is_undone: bool) -> list[Value]:
    note = _("Undo of an earlier change") if activity.undoes else _("Undone later") if is_undone else ""
    return [
        moment(activity.at, viewer.time_zone),
        Cell("; ".join(change_words(activity.before, activity.after)), note=note),
        day(activity.study_day),
    ]


def change_words(before: OwnProgress, after: OwnProgress) -> list[str]:
    """Return the effect of one change, field by field: "Solved: 5 → 10"."""
    said = []
    if before.status != after.status:
        said.append(_("Status: {old} → {new}").format(old=chip_text(before.status), new=chip_text(after.status)))
    if before.question_solved != after.question_solved:
        old, new = number(before.question_solved), number(after.question_solved)
        said.append(_("Solved: {old} → {new}").format(old=old, new=new))
    if before.is_weak_chapter != after.is_weak_chapter:
        said.append(_("Marked weak") if after.is_weak_chapter else _("Weak mark removed"))
    return said
