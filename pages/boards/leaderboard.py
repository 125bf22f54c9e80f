"""Leaderboards by choice: you and your neighbours first, the top below."""

from collections.abc import Sequence

import streamlit as st

from backend.accounts.models import ProfileChange, Viewer
from backend.boards.models import Board, BoardEntry, Measure, Period
from backend.kit.i18n import _, day, ngettext, number
from pages.shell import live_updates, services, session
from pages.shell.errors import noticed
from pages.shell.script_runs import refreshing
from pages.widgets.elements import (
    KeyFigure,
    as_of_html,
    card,
    empty_html,
    empty_state,
    figures_html,
    filter_bar,
    page_title,
    section_html,
)
from pages.widgets.tables import Column, Twin, Value, table_html

TOP, AROUND = 10, 3


def choose(viewer: Viewer) -> tuple[str, Period, Measure]:
    """Scope, period and measure as the person chose them."""
    scopes = {scope.id: scope.name for scope in services.backend().boards.scopes(viewer)}
    periods: dict[Period, str] = {"week": _("This week"), "month": _("This month"), "all": _("All time")}
    measures: dict[Measure, str] = {"questions": _("Questions"), "days": _("Study days")}
    with filter_bar("board"):
        scope = st.selectbox(_("Who"), list(scopes), format_func=lambda key: scopes[key], key="board_scope", width=220)
        period = st.segmented_control(
            _("When"), list(periods), format_func=lambda key: periods[key], default="week", key="board_period"
        )
        measure = st.segmented_control(
            _("What counts"),
            list(measures),
            format_func=lambda key: measures[key],
            default="questions",
            key="board_what",
        )
    return scope, period or "week", measure or "questions"


@refreshing(live_updates.FALLBACK_SECONDS)
def follow_board(scope: str, period: Period, measure: Measure) -> None:
    """The board, drawn anew when somebody on it saves."""
    viewer = session.viewer("student", "teacher")
    live_updates.listen(live_updates.BOARDS, key="board")
    draw_board(viewer, services.backend().boards.board(viewer, scope, period, measure, limit=TOP, around=AROUND))


def draw_board(viewer: Viewer, board: Board) -> None:
    """Own place, neighbours, top."""
    parts = figures_html(_figures(board)) + _lists(board) + as_of_html(board.as_of, viewer.time_zone)
    st.html(f'<div class="cp-parts">{parts}</div>')


def _lists(board: Board) -> str:
    """Draw the lists once somebody has a score; before that, a notice."""
    heading = section_html(_("Top {count}").format(count=TOP))
    if not any(entry.score for entry in board.entries):
        return heading + empty_html("sports_score", _("Everyone starts at zero"), _start_words(board))
    top = heading + _table(
        [entry for entry in board.entries if entry.score], board, _("The first {count}").format(count=TOP)
    )
    if not board.me:
        return top
    mine = section_html(_("You and your neighbours")) + _table(
        board.around, board, _("You and up to {count} on each side").format(count=AROUND)
    )
    return f'<div class="cp-halves"><div>{mine}</div><div>{top}</div></div>'


def _start_words(board: Board) -> str:
    words = {
        "week": _("Nobody has saved anything this week yet. The first question solved opens the board."),
        "month": _("Nobody has saved anything this month yet. The first question solved opens the board."),
        "all": _("Nobody has saved anything yet. The first question solved opens the board."),
    }
    return words[board.period]


def _figures(board: Board) -> list[KeyFigure]:
    unit = _("Questions solved") if board.measure == "questions" else _("Study days")
    figures = [
        KeyFigure(_("Taking part"), number(board.participants), _("Active students who chose to join."), icon="group")
    ]
    if board.me:
        figures = [
            KeyFigure(
                _("Your place"),
                number(board.me.rank) if board.me.score else None,
                _("Equal scores share a place, in the order of their display names."),
                icon="leaderboard",
            ),
            KeyFigure(unit, number(board.me.score), _period_words(board), icon="check"),
            *figures,
        ]
    return figures


def _period_words(board: Board) -> str:
    if board.first_day is None or board.last_day is None:
        return _("Counted since you began.")
    return _("Counted in your study days from {first} to {last}.").format(
        first=day(board.first_day), last=day(board.last_day)
    )


def _table(entries: Sequence[BoardEntry], board: Board, caption: str) -> str:
    unit = _("Questions") if board.measure == "questions" else _("Study days")
    mine = next((index for index, entry in enumerate(entries) if entry.is_me), None)
    rows: list[list[Value]] = [
        [entry.rank, f"{entry.name} ({_('you')})" if entry.is_me else entry.name, entry.score] for entry in entries
    ]
    twin = Twin(caption, [_("Place"), _("Name"), Column(unit, numeric=True)], rows)
    return table_html(twin, marked=mine)


def invite(viewer: Viewer, board: Board) -> None:
    """Draw the page of a student who has not joined: how many have, and a form that asks for a display name."""
    taking_part = ngettext("{count} student takes part.", "{count} students take part.", board.participants).format(
        count=number(board.participants)
    )
    empty_state("diversity_3", _("Only if you like"), f"{taking_part} {_privacy()}", key="invite")
    with card("join"), st.form("join_board", border=False):
        name = st.text_input(_("Display name"), value=viewer.board_name or "", key="board_name")
        sent = st.form_submit_button(_("Join the leaderboard"), type="primary", icon=":material/how_to_reg:")
    if sent:
        with noticed():
            change = ProfileChange(board_joined=True, board_name=name)
            services.backend().accounts.update_profile(session.viewer("student"), change)
            st.rerun()


def _privacy() -> str:
    return _(
        "Others see the display name you choose and your score, never your real name. "
        "If you do not join, you are on no board, and you can leave at any time in the settings."
    )


viewer = session.viewer("student", "teacher")
page_title(_("Leaderboard"), _("By choice, under a name of your own."), icon="leaderboard")
scope, period, measure = choose(viewer)
board = services.backend().boards.board(viewer, scope, period, measure, limit=TOP, around=AROUND)
if board.reason and viewer.role == "student":
    invite(viewer, board)
elif board.participants == 0:
    empty_state(
        "leaderboard",
        _("Nobody has joined yet"),
        _("Students join by choice, on their leaderboard page or in settings."),
    )
else:
    follow_board(scope, period, measure)
