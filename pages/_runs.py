"""Timing of script and fragment runs, for the percentiles on the health page."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import streamlit as st
from streamlit.navigation.page import Page

from backend.kit.metrics import FRAGMENT_RUNS, SCRIPT_RUNS
from pages import _session

F = TypeVar("F", bound=Callable[..., Any])


def run(page: Page) -> None:
    """Run a page, fragments and all, and note how long it took."""
    with _session.backend().metrics.timed(SCRIPT_RUNS, page.url_path or "home"):
        page.run()


def fragment(function: F) -> F:
    """st.fragment that notes how long its body took, alone or as part of a page."""
    return st.fragment(_timed(function))


def refreshing(seconds: float) -> Callable[[F], F]:
    """A fragment that runs by itself every so many seconds while the page is open."""
    return lambda function: st.fragment(_timed(function), run_every=seconds)


def _timed(function: F) -> F:
    label = f"{Path(function.__code__.co_filename).stem}.{function.__name__}"

    @wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        with _session.backend().metrics.timed(FRAGMENT_RUNS, label):
            return function(*args, **kwargs)

    return cast(F, timed)
