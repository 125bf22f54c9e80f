"""Completed chapters and solved questions of a class, week by week."""

from collections.abc import Callable, Sequence

from backend.classrooms.models import Week
from backend.kit.i18n import _, day, ngettext, number
from pages.shell import live_updates, services, session
from pages.shell.script_runs import refreshing
from pages.widgets.charts import bars_over_time, chart
from pages.widgets.elements import empty_state, section
from pages.widgets.tables import Column, Twin

WEEKS = 12


@refreshing(live_updates.FALLBACK_SECONDS)
def draw_weeks(classroom_id: str) -> None:
    """Completions and questions over the last twelve weeks, each with its table."""
    viewer = session.viewer("teacher", "admin")
    live_updates.listen(live_updates.classroom_room(classroom_id), key="weeks")
    weeks = services.backend().reports.completions_over_time(viewer, classroom_id, WEEKS)
    if all(week.completed is None for week in weeks):
        empty_state(
            "monitoring", _("No week to show yet"), _("The first saved change of a learner begins the first week.")
        )
        return
    completed = sum(week.completed or 0 for week in weeks)
    said = ngettext(
        "{count} chapter completed by the whole class in the last {weeks} weeks.",
        "{count} chapters completed by the whole class in the last {weeks} weeks.",
        completed,
    )
    section(_("Chapters completed"), said.format(count=number(completed), weeks=number(WEEKS)))
    _draw(weeks, lambda week: week.completed, _("Chapters"), "class-completed")
    solved = sum(week.solved or 0 for week in weeks)
    said = ngettext(
        "{count} question solved by the whole class in the last {weeks} weeks.",
        "{count} questions solved by the whole class in the last {weeks} weeks.",
        solved,
    )
    section(_("Questions solved"), said.format(count=number(solved), weeks=number(WEEKS)))
    _draw(weeks, lambda week: week.solved, _("Questions"), "class-solved")


def _draw(weeks: Sequence[Week], value: Callable[[Week], int | None], measure: str, key: str) -> None:
    known = [(week.first_day, count) for week in weeks if (count := value(week)) is not None]
    chart(
        bars_over_time(tuple(at for at, _count in known), tuple(count for _at, count in known), measure),
        _("Weeks begin on Monday; the last one is still running. Weeks before the first saved change have no bar."),
        Twin(
            _("{measure} by week").format(measure=measure),
            [_("Week from"), Column(measure, numeric=True)],
            [[day(week.first_day), value(week)] for week in reversed(weeks)],
        ),
        key=key,
        height=260,
    )
