"""A student's own patterns: calendar, curve, syllabus map, weighted coverage."""

from backend.kit.i18n import _, day, ngettext, number, percent
from backend.progress.models import Insights, SyllabusNode
from pages import _session
from pages._beside_others import draw_beside_others
from pages._charts import Area, Line, calendar, chart, lines_over_time, points, treemap
from pages._parts import KeyFigure, empty_state, metric_row, page_title, section
from pages._tables import Cell, Column, Twin

WHOLE = "whole"


def draw_figures(insights: Insights) -> None:
    """Coverage and rhythm in four numbers."""
    average = insights.average_per_studied_day
    streak = insights.summary.streak
    metric_row(
        [
            KeyFigure(
                _("Exam coverage"),
                None if insights.coverage is None else percent(insights.coverage),
                _("Share of past-paper questions, recent years weighing more, that lies in chapters you completed."),
                icon="donut_large",
            ),
            KeyFigure(
                _("Days studied"),
                number(insights.studied_days),
                _("Days with a question solved or a chapter completed, since you began."),
                icon="event_available",
            ),
            KeyFigure(
                _("Each study day"),
                None if average is None else number(round(average, 1)),
                _("Questions solved, on average over the days you studied (not over all days)."),
                _("on average"),
                icon="functions",
            ),
            KeyFigure(
                _("Longest streak"),
                ngettext("{count} day", "{count} days", streak.longest).format(count=number(streak.longest)),
                _("Your longest row of study days. It is kept for good."),
                icon="local_fire_department",
            ),
        ]
    )


def draw_calendar(insights: Insights) -> None:
    section(_("A year of study days"), _("Questions solved on each day"))
    calendar(
        {one.day: max(0, one.solved) for one in insights.days},
        insights.first_day,
        insights.today,
        _("Questions solved each day from {first} to {last}").format(
            first=day(insights.first_day), last=day(insights.today)
        ),
        words=lambda count: ngettext("{count} question", "{count} questions", count).format(count=number(count)),
    )


def draw_curve(insights: Insights) -> None:
    section(_("How it adds up"), _("All questions solved so far"))
    days, solved = points([(point.day, point.solved) for point in insights.curve])
    last = insights.curve[-1]
    chart(
        lines_over_time((Line(_("Questions solved"), days, solved),), _("Questions")),
        _("{solved} questions solved and {completed} chapters completed up to {day}.").format(
            solved=number(last.solved), completed=number(last.completed), day=day(last.day)
        ),
        Twin(
            _("Questions solved and chapters completed, added up"),
            [_("Day"), Column(_("Questions"), numeric=True), Column(_("Chapters completed"), numeric=True)],
            [[day(point.day), point.solved, point.completed] for point in reversed(insights.curve)],
        ),
        key="curve",
    )


def draw_map(insights: Insights) -> None:
    section(_("Map of the syllabus"), _("Area: past-paper questions. Percent: how many of them you solved."))
    covered = sum(min(node.solved, node.questions) for node in insights.syllabus)
    asked = sum(node.questions for node in insights.syllabus)
    chart(
        treemap(_areas(insights.syllabus), _("Solved")),
        _("{covered} of {asked} past-paper questions solved in all. Choose a subject to go deeper.").format(
            covered=number(covered), asked=number(asked)
        ),
        Twin(
            _("Every chapter of the syllabus"),
            [
                _("Chapter"),
                _("Subject"),
                _("Unit"),
                Column(_("Past questions"), numeric=True),
                Column(_("Solved"), numeric=True),
                _("Status"),
            ],
            [
                [one.chapter, one.subject, one.unit, one.questions, one.solved, Cell("", kind=one.status)]
                for one in insights.syllabus
            ],
        ),
        key="syllabus",
        height=460,
    )


def draw_coverage(insights: Insights) -> None:
    section(_("Coverage by subject"), _("Exam weight of the chapters you completed"))
    metric_row(
        [
            KeyFigure(subject, percent(share), _("Of this subject's past-paper questions, recent years weighing more."))
            for subject, share in insights.coverage_by_subject.items()
        ]
    )


def _areas(nodes: tuple[SyllabusNode, ...]) -> tuple[Area, ...]:
    """The syllabus as a tree; chapters that were never asked have no area, but stand in the table."""
    groups: dict[tuple[str, ...], list[SyllabusNode]] = {(): list(nodes)}
    for node in nodes:
        groups.setdefault((node.subject,), []).append(node)
        groups.setdefault((node.subject, node.unit), []).append(node)
    areas = [_area(path, parts) for path, parts in groups.items()]
    for node in nodes:
        areas.append(_area((node.subject, node.unit, node.chapter_id), [node], label=node.chapter))
    return tuple(area for area in areas if area.size > 0)


def _area(path: tuple[str, ...], nodes: list[SyllabusNode], label: str = "") -> Area:
    asked = sum(node.questions for node in nodes)
    solved = sum(min(node.solved, node.questions) for node in nodes)
    return Area(
        id="/".join((WHOLE, *path)),
        parent="/".join((WHOLE, *path[:-1])) if path else "",
        label=label or (path[-1] if path else _("Syllabus")),
        size=asked,
        share=solved / asked if asked else 0.0,
        words=_("{solved} of {asked} solved").format(solved=number(solved), asked=number(asked)),
    )


viewer = _session.viewer("student")
insights = _session.backend().overview.insights(viewer)
page_title(
    _("Insights"),
    _("Your own patterns. Only you can open this page; your teacher sees your totals on the class page."),
    icon="insights",
)
if insights.curve:
    draw_figures(insights)
    draw_calendar(insights)
    draw_curve(insights)
    draw_map(insights)
    draw_coverage(insights)
    draw_beside_others()
else:
    empty_state(
        "insights",
        _("Here your work becomes a picture"),
        _("Save your first questions on a chapter, and this page starts to fill."),
        _("Choose a chapter"),
        page="chapters.py",
    )
