"""One learner beside the list: progress by subject, reasons of the flag, weeks, weak chapters, last acts."""

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st

from backend.accounts.models import Viewer
from backend.classrooms.models import LearnerDetail, RecentActivity, Week
from backend.errors import NotFound
from backend.kit.i18n import _, day, moment, ngettext, number
from backend.progress.models import ChapterRow
from pages.classrooms.learner_text import KINDS, change_words, completed_words, signed, since_words
from pages.shell import page_change, services, session
from pages.shell.errors import noticed
from pages.widgets.charts import bars_over_time, chart
from pages.widgets.elements import avatar_html, button_row, escape, section
from pages.widgets.style import chip, icon_html, plain
from pages.widgets.tables import Cell, Column, Twin, Value, static_table

PARAMETER = "learner"
RECENT_SHOWN, WEAK_SHOWN = 8, 8
_REMOVING = "class-removing"


def opened() -> str | None:
    """The id of the learner who is open, as the address has it."""
    return st.query_params.get(PARAMETER)


def open_learner(learner_id: str) -> None:
    """Open a learner; the address keeps it over a reload."""
    st.query_params[PARAMETER] = learner_id
    st.session_state.pop(_REMOVING, None)


def close_learner() -> None:
    """Nobody is open any more."""
    if PARAMETER in st.query_params:
        del st.query_params[PARAMETER]
    st.session_state.pop(_REMOVING, None)


def draw_learner(viewer: Viewer, classroom_id: str, learner_id: str, name: str) -> None:
    """The panel; `name` is what the learner is called on this screen."""
    try:
        detail = services.backend().reports.learner(viewer, classroom_id, learner_id)
    except NotFound:  # the learner was taken out of the class a moment ago
        return
    with st.container(key="cp-panel", border=True, gap="small"):
        page_change.focus_panel(learner_id)
        _head(detail, name)
        _subjects(detail)
        _weeks(detail.weeks)
        _weak(detail.weak_chapters)
        _recent(detail.recent, viewer.time_zone)
        _removal(classroom_id, learner_id, name)


def _head(detail: LearnerDetail, name: str) -> None:
    learner = detail.learner
    with st.container(horizontal=True, vertical_alignment="top", horizontal_alignment="distribute", gap="small"):
        st.html(f'<h2 class="cp-learner">{avatar_html(name)}<span>{escape(name)}</span></h2>', width="content")
        st.button(_("Close"), key="learner-close", icon=":material/close:", type="tertiary", on_click=close_learner)
    flag = (
        chip(KINDS[learner.flag]) if learner.flag else f'<span class="cp-chip cp-tone-gray">{escape(_("New"))}</span>'
    )
    reasons = "".join(
        f'<p class="cp-why">{icon_html("info")}<span>{escape(reason)}</span></p>' for reason in learner.reasons
    )
    st.html(f'<div class="cp-chips">{flag}</div>{reasons}<p class="cp-note">{escape(_week_words(detail))}</p>')


def _week_words(detail: LearnerDetail) -> str:
    solved, change = detail.learner.solved_7_days, detail.learner.change_7_days
    if solved is None or change is None:
        return _("Has not saved anything yet.")
    last = since_words(detail.learner.last_activity_at, services.backend().clock.now())
    streak = detail.summary.streak.current
    days = ngettext("{count} day", "{count} days", streak).format(count=number(streak))
    words = ngettext(
        "Last activity {last}. {count} question in 7 days ({change} against the 7 before). Streak: {days}.",
        "Last activity {last}. {count} questions in 7 days ({change} against the 7 before). Streak: {days}.",
        solved,
    )
    return words.format(count=number(solved), change=signed(change), days=days, last=last)


def _subjects(detail: LearnerDetail) -> None:
    is_known = detail.summary.last_activity_at is not None
    rows: list[list[Value]] = [
        [
            each.subject,
            Cell(completed_words(each.completed, each.chapters)),
            each.solved if is_known else None,
            each.weak if is_known else None,
        ]
        for each in detail.summary.subjects
    ]
    columns: list[Column | str] = [
        _("Subject"),
        Column(_("Completed"), numeric=True),
        Column(_("Solved"), numeric=True),
        Column(_("Weak"), numeric=True),
    ]
    static_table(Twin(_("By subject"), columns, rows))


def _weeks(weeks: Sequence[Week]) -> None:
    known = [(week.first_day, week.solved) for week in weeks if week.solved is not None]
    if not known:
        return
    section(_("Questions by week"))
    rows: list[list[Value]] = [[day(week.first_day), week.solved, week.completed] for week in reversed(weeks)]
    chart(
        bars_over_time(tuple(at for at, _solved in known), tuple(solved for _at, solved in known), _("Questions")),
        _("Weeks begin on Monday; the last one is still running."),
        Twin(
            _("Questions solved and chapters completed by week"),
            [_("Week from"), Column(_("Questions"), numeric=True), Column(_("Completed"), numeric=True)],
            rows,
        ),
        key="learner-weeks",
        height=190,
    )


def _weak(rows: Sequence[ChapterRow]) -> None:
    if not rows:
        return
    section(_("Weak chapters"))
    items = "".join(
        f"<li><span>{escape(row.chapter.chapter)}</span><small>{escape(_weak_words(row))}</small></li>"
        for row in rows[:WEAK_SHOWN]
    )
    st.html(f'<ul class="cp-plain-list">{items}</ul>{_more_html(len(rows) - WEAK_SHOWN)}')


def _weak_words(row: ChapterRow) -> str:
    solved = row.own.question_solved if row.own else 0
    counted = _("{done} of {all} solved").format(done=number(solved), all=number(row.chapter.question_total))
    return f"{row.chapter.subject} · {counted}"


def _recent(recent: Sequence[RecentActivity], zone: str) -> None:
    if not recent:
        return
    section(_("Last changes"))
    items = "".join(
        f"<li><span>{escape(each.chapter)}: {escape(change_words(each))}</span>"
        f"<small>{escape(moment(each.at, zone, 'medium'))}</small></li>"
        for each in recent[:RECENT_SHOWN]
    )
    st.html(f'<ul class="cp-plain-list">{items}</ul>')


def _more_html(count: int) -> str:
    if count <= 0:
        return ""
    words = ngettext("and {count} more", "and {count} more", count).format(count=number(count))
    return f'<p class="cp-note">{escape(words)}</p>'


def _removal(classroom_id: str, learner_id: str, name: str) -> None:
    """Asked in place rather than in a dialog: the refresh of the list around it would close a dialog."""
    if st.session_state.get(_REMOVING) != learner_id:
        st.button(
            _("Remove from the class"), key="learner-remove", icon=":material/person_remove:", type="tertiary",
            on_click=_ask_removal, args=(learner_id,),
        )  # fmt: skip
        return
    words = _("Remove {name} from this class? The account and all progress stay; the join code lets {name} back in.")
    st.warning(plain(words.format(name=name)), icon=":material/person_remove:")
    with button_row("removal"):
        if st.button(_("Remove"), type="primary", key="learner-remove-yes"):
            with noticed():
                _remove(classroom_id, learner_id)
        st.button(_("Cancel"), key="learner-remove-no", on_click=_ask_removal, args=(None,))


def _ask_removal(learner_id: str | None) -> None:
    st.session_state[_REMOVING] = learner_id


def _remove(classroom_id: str, learner_id: str) -> None:
    viewer = session.viewer("teacher", "admin")
    with suppress(NotFound):  # the second click of a double click, or another tab: the learner is out already
        services.backend().classrooms.remove_student(viewer, classroom_id, learner_id)
    close_learner()
    st.rerun()
