"""A student's own patterns: calendar, curve, syllabus map, weighted coverage.

Headings stand in one element with what follows them: each element costs a message at every run.
"""

import streamlit as st

from backend.kit.i18n import _, day, ngettext, number, percent
from backend.progress.models import Insights
from pages.chapters.text import question_words
from pages.progress.comparison import draw_beside_others, heading_html
from pages.progress.syllabus_map import map_html
from pages.shell import services, session
from pages.widgets.charts import ChartLine, calendar, chart, lines_over_time, points
from pages.widgets.elements import KeyFigure, empty_html, escape, figures_html, link_html, section_html, title_html
from pages.widgets.tables import Cell, Column, Twin, Value, twin_table


def figures(insights: Insights) -> str:
    """Coverage and rhythm in four numbers."""
    average = insights.average_per_studied_day
    streak = insights.summary.streak
    return figures_html(
        [
            KeyFigure(
                _("Exam coverage"),
                None if insights.coverage is None else percent(insights.coverage),
                _("Share of past-paper questions, recent years weighing more, that come from chapters you completed."),
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
                _("Your longest run of study days. It is kept for good."),
                icon="local_fire_department",
            ),
        ]
    )


def draw_calendar(insights: Insights, above: str) -> None:
    calendar(
        {one.day: max(0, one.solved) for one in insights.days},
        insights.first_day,
        insights.today,
        _("Questions solved each day from {first} to {last}").format(
            first=day(insights.first_day), last=day(insights.today)
        ),
        words=question_words,
        above=above + section_html(_("A year of study days"), _("Questions solved on each day")),
    )


def draw_curve(insights: Insights) -> None:
    days, solved = points([(point.day, point.solved) for point in insights.curve])
    last = insights.curve[-1]
    chart(
        lines_over_time((ChartLine(_("Questions solved"), days, solved),), _("Questions")),
        _("{solved} questions solved and {completed} chapters completed up to {day}.").format(
            solved=number(last.solved), completed=number(last.completed), day=day(last.day)
        ),
        Twin(
            _("Questions solved and chapters completed, added up"),
            [
                _("Day"),
                Column(_("Questions"), numeric=True),
                Column(
                    _("Chapters completed"),
                    numeric=True,
                    rule=_("On the days when you completed them; chapters that were archived since count too."),
                ),
            ],
            lambda: [[day(point.day), point.solved, point.completed] for point in reversed(insights.curve)],
        ),
        key="curve",
        above=section_html(_("How it adds up")),
    )


def draw_map(insights: Insights) -> None:
    covered = sum(min(node.solved, node.questions) for node in insights.syllabus)
    asked = sum(node.questions for node in insights.syllabus)
    heading = section_html(
        _("Map of the syllabus"),
        _("The longer a bar, the more the exam asks it; filled is what you solved. Open a unit to see its chapters."),
    )
    words = _("{covered} of {asked} past-paper questions solved in all.").format(
        covered=number(covered), asked=number(asked)
    )
    note = f'<p class="cp-note">{escape(words)}</p>'
    st.html(f'<div class="cp-parts">{heading}{note}{map_html(insights.syllabus)}</div>')
    columns: list[Column | str] = [
        _("Chapter"),
        _("Subject"),
        _("Unit"),
        Column(_("Past questions"), numeric=True),
        Column(_("Solved"), numeric=True),
        _("Status"),
    ]
    twin_table(Twin(_("Every chapter of the syllabus"), columns, lambda: _map_rows(insights)), key="syllabus")


def _map_rows(insights: Insights) -> list[list[Value]]:
    return [
        [one.chapter, one.subject, one.unit, one.questions, one.solved, Cell("", kind=one.status)]
        for one in insights.syllabus
    ]


def coverage(insights: Insights) -> str:
    """How much of what the exam asks of each subject lies in completed chapters."""
    shares = [
        KeyFigure(subject, percent(share), _("Of this subject's past-paper questions, recent years weighing more."))
        for subject, share in insights.coverage_by_subject.items()
    ]
    return section_html(_("Coverage by subject"), _("Exam weight of the chapters you completed")) + figures_html(shares)


viewer = session.viewer("student")
insights = services.backend().overview.insights(viewer)
title = title_html(
    _("Insights"),
    _("Your own patterns. Only you can open this page; your teacher sees your totals on the class page."),
    icon="insights",
)
if insights.curve:
    draw_calendar(insights, title + figures(insights))
    draw_curve(insights)
    draw_map(insights)
    st.html(f'<div class="cp-parts">{coverage(insights)}{heading_html()}</div>')
    draw_beside_others()
else:
    way = link_html("chapters", _("Choose a chapter"), "arrow_forward")
    rest = _("Save your first questions on a chapter, and this page starts to fill.")
    empty = empty_html("insights", _("Here your work becomes a picture"), rest, way)
    st.html(f'<div class="cp-parts">{title}{empty}</div>')
