"""Runs of pages and parts: how many at once, and how long they take, for the percentiles on the health page."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, TypeVar, cast

import streamlit as st
from streamlit.navigation.page import Page

from backend.errors import Unavailable
from backend.kit.observability import log, tracing
from backend.kit.observability.metrics import FRAGMENT_RUNS, SCRIPT_RUNS
from pages.shell import errors, outage, services, uploads
from pages.widgets.elements import has_title, note_title, page_title

F = TypeVar("F", bound=Callable[..., Any])

# Python runs one thread at a time; every other thread that could run asks for its turn 200 times a second, which at
# two hundred open pages cost more than the pages (docs/decisions/0023-few-large-elements.md).
AT_ONCE = 4
PATIENCE_SECONDS = 3.0  # then a page is drawn all the same: those before it may wait for something slow

_turns = BoundedSemaphore(AT_ONCE)


def run(page: Page) -> None:
    """Run a page, fragments and all, when it is its turn, and note how long it took."""
    name = page.url_path or "home"
    note_title(is_there=False)
    with (
        uploads.page_run(),
        _shown(page),
        _named(f"page {name}"),
        in_turn(),
        services.backend().metrics.timed(SCRIPT_RUNS, name),
    ):
        page.run()


@contextmanager
def _shown(page: Page | None = None) -> Iterator[None]:
    """Show an Unavailable error in the place of the failed part: the other parts are drawn, and no log is flooded.

    A `page` that failed before it drew its title gets the title of its menu entry.
    """
    try:
        yield
    except Unavailable as error:
        if page and not has_title():
            page_title(page.title, icon=page.icon.removeprefix(":material/").removesuffix(":"))
        errors.show(error)


@contextmanager
def _named(what: str) -> Iterator[None]:
    """One id for all that a run does, in logs, traces and the audit trail; a part that runs alone has its own."""
    if log.fact("request_id"):
        with tracing.step(what):
            yield
        return
    with log.about(request_id=secrets.token_hex(8), viewer_id=None), tracing.root(what):
        yield


@contextmanager
def in_turn() -> Iterator[None]:
    """Wait, for some seconds at most, until few enough pages are being drawn."""
    has_turn = _turns.acquire(timeout=PATIENCE_SECONDS)
    try:
        yield
    finally:
        if has_turn:
            _turns.release()


def fragment(function: F) -> F:
    """st.fragment that notes how long its body took, alone or as part of a page."""
    return st.fragment(_timed(function))


def refreshing(seconds: float) -> Callable[[F], F]:
    """A fragment that runs by itself every so many seconds while the page is open."""
    return lambda function: st.fragment(_timed(function), run_every=seconds)


def _timed(function: F) -> F:
    file = Path(function.__code__.co_filename)
    label = f"{file.parent.name}/{file.stem}.{function.__name__}"
    what = f"fragment {label}"

    @wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        with _shown(), _named(what), services.backend().metrics.timed(FRAGMENT_RUNS, label), outage.part():
            return function(*args, **kwargs)

    return cast(F, timed)
