"""Notices while a server is away: a line above a page, or a page in place of every other.

Such a page looks again by itself.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from itertools import count

import streamlit as st
from streamlit.navigation.page import Page

from backend.accounts.models import Viewer
from backend.kit import deadline, staleness
from backend.kit.i18n import _, clock_time
from backend.kit.mongo.guarded_client import reading_from_any
from backend.kit.outages import Absences, absences
from pages.shell import navigation, services
from pages.shell.guest_layout import entrance
from pages.widgets.style import escape, icon_html

RUN_SECONDS = 20.0
LOOK_SECONDS = (4.0, 8.0)  # at random between: not everybody comes back in the same second

_has_line: ContextVar[bool] = ContextVar("has_line", default=False)


@contextmanager
def visit() -> Iterator[None]:
    """Give all server calls of a run one deadline, and read from any server while there is no primary."""
    with deadline.within(RUN_SECONDS), reading_from_any():
        yield


@contextmanager
def part() -> Iterator[None]:
    """`visit` for a part of a page, which may run alone: it says how old its data is if that is stale."""
    with visit(), staleness.apart():
        yield
        if not _has_line.get():
            _draw_age()


def current() -> Absences:
    """Return the outages known at this moment."""
    backend = services.backend()
    return absences(backend.mongo, backend.redis_client)


def draw_line(viewer: Viewer) -> bool:
    """Draw one line above the page if something is away; return False if nothing is."""
    away = current()
    _has_line.set(False)
    if not away:
        return False
    zone = viewer.time_zone
    if away.reads:
        words = _(
            "The database cannot be reached. You see what was known at {time}; nothing can be saved until it is back."
        ).format(time=clock_time(away.reads, zone))
    elif away.writes:
        words = _(
            "Nothing can be saved for a moment, while the database changes servers. You see everything as of {time}."
        ).format(time=clock_time(away.writes, zone))
    else:
        words = _("Everything works and is saved, a little slower than usual.")
        if viewer.role == "admin" and away.redis:
            words += " " + _("Redis has not answered since {time}.").format(time=clock_time(away.redis, zone))
    _notice(words, "cloud_off" if away.writes else "hourglass_top", is_grave=bool(away.writes))
    _has_line.set(bool(away.writes))
    _look_again()
    return True


def _draw_age() -> None:
    """Draw the age of a part that shows stale data, unless a line above the page says it."""
    seconds = staleness.oldest_seconds()
    if seconds is None:
        return
    time = clock_time(datetime.now(UTC) - timedelta(seconds=seconds), services.backend().settings.time_zone)
    _notice(_("As of {time}: the database cannot be reached just now.").format(time=time), "schedule")


def instead() -> Page:
    """The page at every path while not even the reader's session can be read."""
    paths = ("", *navigation.PATHS, "sign-up", "reset-password")
    title = _("One moment, please")
    return st.navigation(
        [
            st.Page(_draw_instead, title=title, default=not path, url_path=path or None, visibility="hidden")
            for path in paths
        ],
        position="hidden",
    )


def _look_again() -> None:
    """Run the page anew as soon as nothing is away any more. Looks every few seconds."""
    runs, before = count(), current()

    def look() -> None:
        if next(runs) and current() != before:
            st.rerun()

    st.fragment(look, run_every=random.uniform(*LOOK_SECONDS))()  # noqa: S311  (spreads load, hides nothing)


def try_again() -> None:
    """Run the page anew every few seconds, until what failed in it works."""
    runs = count()

    def look() -> None:
        if next(runs) and not current().reads:
            st.rerun()

    st.fragment(look, run_every=random.uniform(*LOOK_SECONDS))()  # noqa: S311  (spreads load, hides nothing)


def _notice(words: str, icon: str, *, is_grave: bool = False) -> None:
    grave = " cp-away-grave" if is_grave else ""
    st.html(f'<p class="cp-away{grave}" role="status">{icon_html(icon)}<span>{escape(words)}</span></p>')


def _draw_instead() -> None:
    settings, away = services.backend().settings, current()
    with entrance(_("One moment, please"), _("The school's data cannot be reached just now.")):
        told = (
            _("What was saved before is safe. You need not do anything: this page checks again every few seconds."),
            _("If it takes longer than a few minutes, tell your teacher or the school."),
        )
        st.html("".join(f"<p>{escape(each)}</p>" for each in told))
        since = away.reads or away.writes
        server = (
            _("The database (MongoDB) has not answered since {time}.").format(
                time=clock_time(since, settings.time_zone)
            )
            if since
            else _("The database (MongoDB) does not answer in time.")
        )
        with st.expander(_("For the person who looks after the server"), icon=":material/dns:"):
            st.html(
                f"<p>{escape(server)}</p>"
                f"<p>{escape(_('Start it again, or see why it cannot be reached from here; this app need not be.'))} "
                f'<a href="/api/v1/health" target="_blank">{escape(_("What the app finds"))}</a></p>'
            )
        st.button(_("Check now"), icon=":material/refresh:", key="shell.outage.look")
    try_again()
