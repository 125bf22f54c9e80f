"""The learners of a class: key figures, who needs attention and why, the table, and one learner beside it.

The part refreshes by itself; what is open, its order and the place on the screen stay.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import streamlit as st

from backend.classrooms.models import ClassReport, KeyFigures, Learner
from backend.kit.cache.memo import Memo
from backend.kit.i18n import _, current_locale, ngettext, number, percent
from pages.classrooms import learner_panel
from pages.classrooms.learner_text import (
    completed_words,
    flag_cell,
    is_flagged,
    most_urgent_first,
    reasons_cell,
    signed,
    since_words,
)
from pages.classrooms.pseudonyms import shown_names
from pages.shell import live_updates, services, session
from pages.shell.script_runs import refreshing
from pages.widgets.elements import KeyFigure, as_of, metric_row, section
from pages.widgets.style import chip_text
from pages.widgets.tables import Cell, Column, Row, data_table

FIRST_FLAGGED = 5
TABLE, FLAGGED = "class-learners", "class-flagged"
KEPT = 2_000  # rows of learners that a process keeps drawn: some thirty classes
Names = Mapping[str, str]

_rows = Memo[Row](most=KEPT)


@refreshing(live_updates.FALLBACK_SECONDS)
def draw_learners(classroom_id: str, read: list[tuple[ClassReport, str]]) -> None:
    """Everything about the learners of a class that has some.

    `read` holds the report that the page has just read, and the place in the stream from before; every later run of
    this part reads anew.
    """
    viewer, report = session.viewer("teacher", "admin"), None
    heard = live_updates.position()
    if read:
        report, heard = read.pop()
    live_updates.listen(live_updates.classroom_room(classroom_id), key="learners", after=heard)
    _note_opened()
    report = report or services.backend().reports.report(viewer, classroom_id)
    names = shown_names((each.id, each.name) for each in report.learners)
    metric_row(key_figures(report.figures))
    with st.container(key="cp-beside"):
        with st.container(key="cp-beside-list", gap="small"):
            learners = most_urgent_first(report.learners, names)
            _draw_flagged(learners, names)
            _draw_table(learners, names)
        opened = learner_panel.opened()
        if opened and opened in names:
            learner_panel.draw_learner(viewer, classroom_id, opened, names[opened])
    as_of(report.as_of, viewer.time_zone)


def key_figures(figures: KeyFigures) -> list[KeyFigure]:
    """The four numbers over a class."""
    active = _("{count} of {all}").format(count=number(figures.active_7_days), all=number(figures.learners))
    return [
        KeyFigure(
            _("Active in 7 days"), active, _("Learners who saved anything in the last 7 days, of all learners."),
            icon="group",
        ),
        KeyFigure(
            _("Average completed"),
            None if figures.average_completed is None else percent(figures.average_completed),
            _("Chapters with the status Completed, of all chapters of the syllabus, averaged over the learners."),
            icon="task_alt",
        ),
        KeyFigure(
            _("Solved in 7 days"), number(figures.solved_7_days),
            _("Questions solved by all learners in their last 7 study days, today included."), icon="edit_note",
        ),
        KeyFigure(
            _("Need attention"), number(figures.flagged),
            _("Learners with at least one of the signals below. Two or more signals: at risk."),
            ngettext("{count} at risk", "{count} at risk", figures.at_risk).format(count=number(figures.at_risk)),
            icon="support",
        ),
    ]  # fmt: skip


def _note_opened() -> None:
    """Open the learner whose row was clicked in either table, before anything of this run is drawn."""
    for key in (TABLE, FLAGGED):
        clicked = (st.session_state.get(key) or {}).get("open")
        if clicked is not None:
            learner_panel.open_learner(str(clicked))


def _draw_flagged(learners: Sequence[Learner], names: Names) -> None:
    flagged = [each for each in learners if is_flagged(each)]
    section(_("Needs attention"), _("Learners never see this. Choose one to see more."))
    if not flagged:
        st.success(_("Nobody has a signal at the moment."), icon=":material/check_circle:")
        return
    is_all = bool(st.session_state.get("class-flagged-all"))
    shown = flagged if is_all else flagged[:FIRST_FLAGGED]
    rows = [Row(each.id, [names[each.id], flag_cell(each), reasons_cell(each)]) for each in shown]
    caption = ngettext("{count} learner, most urgent first", "{count} learners, most urgent first", len(flagged))
    data_table(
        caption.format(count=number(len(flagged))),
        [_("Learner"), Column(_("Flag"), rule=_flag_rule()), _("Why")],
        rows,
        key=FLAGGED,
        sort=1,
        stacked=True,
        selected=learner_panel.opened(),
    )
    if len(flagged) > FIRST_FLAGGED:
        words = _("Show the first {count}") if is_all else _("Show all {count}")
        count = FIRST_FLAGGED if is_all else len(flagged)
        st.button(words.format(count=number(count)), key="class-flagged-more", on_click=_toggle_all, type="tertiary")


def _toggle_all() -> None:
    st.session_state["class-flagged-all"] = not st.session_state.get("class-flagged-all")


def _flag_rule() -> str:
    return _(
        "{watch}: one signal. {risk}: two or more. Signals: no activity for 7 days; no question solved in 14 days; "
        "fewer completions in 14 days than three quarters of the class; solving less two weeks running. "
        "New learners are not judged for 14 days, and learners never see this."
    ).format(watch=chip_text("watch"), risk=chip_text("at_risk"))


def _draw_table(learners: Sequence[Learner], names: Names) -> None:
    section(_("Learners"))
    now = services.backend().clock.now()
    caption = ngettext(
        "{count} learner. Choose one to see more beside the list.",
        "{count} learners. Choose one to see more beside the list.",
        len(learners),
    )
    data_table(
        caption.format(count=number(len(learners))),
        columns(),
        [_row(each, names[each.id], now) for each in learners],
        key=TABLE,
        sort=len(columns()) - 1,
        stacked=True,
        selected=learner_panel.opened(),
    )


def columns() -> list[Column | str]:
    """The columns of the table, each with its rule."""
    return [
        _("Learner"),
        Column(_("Completed"), numeric=True, rule=_("Chapters with the status Completed, of all in the syllabus.")),
        Column(_("Solved"), numeric=True, rule=_("Questions solved in all.")),
        Column(_("7 days"), numeric=True, rule=_("Questions solved in the last 7 study days, today included.")),
        Column(_("Change"), numeric=True, rule=_("Compared with the 7 days before.")),
        Column(_("Weak"), numeric=True, rule=_("Chapters that the learner marked weak.")),
        Column(_("Last activity"), rule=_("When the learner last saved a change.")),
        Column(_("Flag"), rule=_("One signal: watch. Two or more: at risk.")),
    ]


def _row(learner: Learner, name: str, now: datetime) -> Row:
    """Made anew when the learner saved, and each minute, for it says how long ago that was."""
    source = (learner, now.replace(second=0, microsecond=0))
    return _rows.get((learner.id, name, current_locale()), source, lambda: Row(learner.id, _cells(learner, name, now)))


def _cells(learner: Learner, name: str, now: datetime) -> list[Cell | str | float | None]:
    counts, at, change = learner.counts, learner.last_activity_at, learner.change_7_days
    return [
        name,
        Cell(completed_words(counts.completed, counts.chapters), sort=counts.completed),
        counts.solved if at else None,
        learner.solved_7_days,
        None if change is None else Cell(signed(change), sort=change),
        counts.weak if at else None,
        Cell(since_words(at, now), sort=-at.timestamp()) if at else None,
        flag_cell(learner),
    ]
