"""A class in numbers: how its learners spread, and where it stands unit by unit."""

from collections.abc import Sequence

import streamlit as st

from backend.kit.i18n import _, ngettext, number, percent
from backend.statistics.models import Bin, Distribution, StatisticsRow
from pages.shell import live_updates, services, session
from pages.shell.script_runs import refreshing
from pages.widgets.charts import bars_by_name, chart
from pages.widgets.elements import as_of, filter_bar, section
from pages.widgets.tables import Column, Twin, static_table

ALL = ""


@refreshing(live_updates.FALLBACK_SECONDS)
def draw_numbers(classroom_id: str) -> None:
    """Two histograms, of a subject or all, and a table by unit."""
    viewer = session.viewer("teacher", "admin")
    live_updates.listen(live_updates.classroom_room(classroom_id), key="numbers")
    backend = services.backend()
    with filter_bar("numbers"):
        subjects = [ALL, *backend.overview.facets().subjects]
        subject = st.selectbox(
            _("Subject"), subjects, key="numbers-subject", width=220,
            format_func=lambda name: name or _("All subjects"),
        )  # fmt: skip
    spread = backend.class_statistics.distribution(viewer, classroom_id, subject or None)
    left, right = st.columns(2, gap="medium")
    with left:
        _draw_completion(spread)
    with right:
        _draw_solved(spread)
    found = backend.class_statistics.statistics(viewer, classroom_id, ("subject", "unit"))
    _draw_units([row for row in found.rows if subject in (ALL, row.subject)], spread.students)
    as_of(min(found.as_of, spread.as_of), viewer.time_zone)


def _draw_completion(spread: Distribution) -> None:
    average = spread.average_completed
    said = "" if average is None else _("{share} of the chapters, on average").format(share=percent(average))
    section(_("How far learners are"), said)
    names = [_range(one, "%") for one in spread.completion]
    _draw(spread.completion, names, _("Completed chapters"), "class-spread-completed", _learners(spread))


def _draw_solved(spread: Distribution) -> None:
    section(_("How much learners solved"), _("Questions, since they began"))
    names = [_range(one, "") for one in spread.solved]
    _draw(spread.solved, names, _("Questions solved"), "class-spread-solved", _learners(spread))


def _draw(bins: Sequence[Bin], names: list[str], measure: str, key: str, said: str) -> None:
    counts = [one.students for one in bins]
    chart(
        bars_by_name(tuple(names), tuple(counts), _("Learners"), measure),
        said,
        Twin(
            _("Learners by {measure}").format(measure=measure.lower()),
            [measure, Column(_("Learners"), numeric=True)],
            list(zip(names, counts, strict=True)),
        ),
        key=key,
        height=260,
    )


def _draw_units(rows: Sequence[StatisticsRow], learners: int) -> None:
    section(_("Unit by unit"), _("All learners of the class together"))
    columns = [
        Column(_("Unit")),
        Column(_("Subject")),
        Column(_("Chapters"), numeric=True),
        Column(_("Completed"), numeric=True, rule=_("Share of all chapters of all learners that are completed.")),
        Column(_("In progress"), numeric=True, rule=_("Chapters started but not completed, of all learners.")),
        Column(_("Weak"), numeric=True, rule=_("Chapters that learners marked as weak.")),
        Column(_("Questions solved"), numeric=True),
    ]
    body = [
        [row.unit, row.subject, row.chapters, _share(row.completed, row.chapters * learners), row.in_progress,
         row.weak, row.solved]
        for row in rows
    ]  # fmt: skip
    static_table(Twin(_("The class by unit"), columns, body))


def _share(completed: int | None, of: int) -> str | None:
    return percent(completed / of) if completed is not None and of else None


def _learners(spread: Distribution) -> str:
    return ngettext("{count} learner in the class.", "{count} learners in the class.", spread.students).format(
        count=number(spread.students)
    )


def _range(one: Bin, unit: str) -> str:
    """A bin as it is called: 0%, 1–25%, over 1,000."""
    if one.most is None:
        return _("over {count}").format(count=number(one.least - 1))
    if one.least == one.most:
        return f"{number(one.least)}{unit}"
    return f"{number(one.least)}–{number(one.most)}{unit}"
