"""The forms of the settings page, each of which saves by itself. The page puts them in order."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from functools import cache
from zoneinfo import available_timezones

import streamlit as st

from backend.accounts.models import GOAL_LIMIT, ProfileChange, User
from backend.errors import Invalid
from backend.kit.i18n import _, clock_time, listing
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.widgets.elements import notice_saved, plain, section
from pages.widgets.number_field import number_field, whole_number

LATEST_DAY_END = 6
CODE_LENGTH = 20
_read: ContextVar[User | None] = ContextVar("account", default=None)


def save(name: str, change: ProfileChange) -> bool:
    """Save a change, and note the time for the form `name` to show. False where a notice said why not."""
    viewer, is_saved = session.viewer(), False
    with noticed():
        services.backend().accounts.update_profile(viewer, change)
        is_saved = True
    if is_saved:
        _read.set(None)
        _note_saved(name)
    return is_saved


def _note_saved(name: str) -> None:
    backend = services.backend()
    at = clock_time(backend.clock.now(), backend.accounts.me(session.viewer()).time_zone)
    st.session_state[f"settings.{name}.saved"] = _("Saved {time}").format(time=at)


def saved_line(name: str) -> None:
    """When the form `name` was saved, in the run after that."""
    words = st.session_state.pop(f"settings.{name}.saved", "")
    if words:
        notice_saved(words)


@contextmanager
def form_card(name: str, title: str, note: str = "") -> Iterator[None]:
    """A form that is a card at the same time, heading and all; what it says after saving stands in it too."""
    with st.form(f"cp-card-{name}"):
        section(title, note)
        yield


def name_form() -> None:
    """Draw the form for the name that everybody sees."""
    own = me()
    with form_card("name", _("Name"), own.email):
        name = st.text_input(_("Your name"), value=own.name, autocomplete="name", key="name")
        sent = st.form_submit_button(_("Save name"))
        if sent and save("name", ProfileChange(name=name)):
            st.rerun(scope="app")  # the name stands beside the menu too
        saved_line("name")


def goal_form() -> None:
    """Draw the form for a student's goal: questions a day and exam date."""
    own = me()
    with form_card("goal", _("Goal")):
        goal = number_field(
            _("Questions a day"),
            value=own.daily_goal,
            key="daily_goal",
            help=_("Your home page compares today's solved questions with it."),
        )
        exam = st.date_input(
            _("Exam date"),
            value=own.exam_date,
            min_value=date(2000, 1, 1),
            max_value=date(2100, 12, 31),
            format="DD/MM/YYYY",
            key="exam_date",
            help=_("Your pace and the countdown are computed from it. Leave it empty if you do not know it yet."),
        )
        sent = st.form_submit_button(_("Save goal"))
        if sent:
            _save_goal(goal, exam)
        saved_line("goal")


def _save_goal(goal: str, exam: date | None) -> None:
    try:
        wanted = whole_number(_("Questions a day"), goal, 1, GOAL_LIMIT)
    except Invalid as error:
        st.error(plain(error.message), icon=":material/error:")
        return
    if wanted is None:
        st.error(_("Say how many questions a day you want."), icon=":material/error:")
        return
    save("goal", ProfileChange(daily_goal=wanted, exam_date=exam, clear_exam_date=exam is None))


def day_form() -> None:
    """When a day begins and ends for this person."""
    own = me()
    is_student = own.role == "student"
    note = _("Your next day follows these; past days never change.")
    with form_card("day", _("Your day"), note if is_student else _("Times are shown in your time zone.")):
        zone, ends = _zone_field(own), None
        if is_student:
            ends = st.selectbox(
                _("My day ends at"),
                range(LATEST_DAY_END + 1),
                index=own.day_end_hour,
                format_func=_hour,
                key="day_end_hour",
                help=_("Questions solved before this hour still count for the day before, if you work late."),
            )
        sent = st.form_submit_button(_("Save day"))
        if sent:
            save("day", ProfileChange(time_zone=zone, day_end_hour=ends))
        saved_line("day")
        now = clock_time(services.backend().clock.now(), me().time_zone)
        st.caption(_("It is {time} there now.").format(time=now))


@cache
def _zones() -> list[str]:
    """Every time zone this machine knows: hundreds of files, looked for once."""
    return sorted(available_timezones())


def _zone_field(own: User) -> str | None:
    zones = _zones()
    return st.selectbox(
        _("Time zone"),
        zones,
        index=zones.index(own.time_zone) if own.time_zone in zones else None,
        key="time_zone",
        help=_("Type the name of a large city near you, such as Kolkata."),
    )


def _hour(hour: int) -> str:
    return _("midnight") if hour == 0 else _("{hour} in the night").format(hour=f"{hour:02d}:00")


def board_form() -> None:
    """Taking part in leaderboards: joining and leaving are the same two clicks."""
    own = me()
    words: dict[bool, Callable[[], str]] = {
        False: lambda: _("I do not take part: nobody sees me there"),
        True: lambda: _("I take part under my display name"),
    }
    note = _("Only those who take part see it. You can change your mind at any time.")
    with form_card("board", _("Leaderboard"), note):
        joined = st.radio(
            _("Taking part"),
            [False, True],
            index=int(own.board_joined),
            format_func=lambda choice: words[choice](),
            key="board_joined",
        )
        name = st.text_input(
            _("Display name"),
            value=own.board_name or "",
            autocomplete="off",
            key="board_name",
            help=_("It need not be your real name."),
        )
        sent = st.form_submit_button(_("Save choice"))
        if sent:
            save("board", ProfileChange(board_joined=joined, board_name=name if joined or name.strip() else None))
        saved_line("board")


def classes_form() -> None:
    """The student's classes, and the way into another one."""
    backend, viewer = services.backend(), session.viewer("student")
    given = st.query_params.get("code", "")[:CODE_LENGTH]
    with form_card("join", _("Classes")):
        code = st.text_input(_("Join code of another class"), value=given, autocomplete="off", key=f"code-{given}")
        sent = st.form_submit_button(_("Join class"))
        if sent:
            with noticed():
                joined = backend.classrooms.join(viewer, code)
                notice_saved(_("You are in {name}").format(name=joined.name))
                viewer = session.viewer("student")
        names = [each.name for each in backend.classrooms.classrooms(viewer)]
        words = _("You are in: {names}").format(names=listing(names)) if names else _("You are in no class yet.")
        st.caption(plain(words))


def me() -> User:
    """One's own account: as the page read it, or read anew where a part runs alone."""
    return _read.get() or services.backend().accounts.me(session.viewer())


@contextmanager
def read_once() -> Iterator[None]:
    """Within, the forms of a whole run of the page share one read of the account."""
    before = _read.set(me())
    try:
        yield
    finally:
        _read.reset(before)
