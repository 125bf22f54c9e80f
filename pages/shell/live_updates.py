"""Fragments that are pushed to: the browser hears of a change and reruns the one part that shows it."""

from typing import Any

from backend.accounts.rooms import BOARDS, classroom_room
from pages.shell import services
from pages.widgets.browser_component import component, encoded, rerun_only

ME = "student:me"
MOST_ROOMS = 40  # the API takes 50 for all parts of a page
FALLBACK_SECONDS = 60.0  # what pages that listen do without any news: age alone changes what they say

__all__ = ["BOARDS", "FALLBACK_SECONDS", "ME", "classroom_room", "listen", "position"]


def position() -> str:
    """How far this process has heard just now, for `listen(after=…)`. Ask before reading what is drawn."""
    return services.backend().events.position


def listen(*rooms: str, key: str, after: str | None = None) -> bool:
    """Rerun this fragment whenever something changes in `rooms`; True in the run that this causes.

    Call it inside a fragment, first of all: what happens after it is heard, what happened before is drawn. Called
    later it needs the `position` from before. The browser sees to it that reruns are not too many, waits while the
    tab is hidden, and polls without a stream.
    """
    data = {"rooms": rooms[:MOST_ROOMS], "after": position() if after is None else after}
    result = _component()(data=encoded(data), key=f"live-{key}", on_news_change=rerun_only)
    return bool(result.get("news"))


def guard() -> None:
    """Run the whole page anew as soon as its person's session is over, so that none of their data stays on the screen.

    Call it once a page, outside of fragments.
    """
    data = {"rooms": (ME,), "after": "", "gate": True}
    _component()(data=encoded(data), key="live-gate", on_news_change=rerun_only)


def _component() -> Any:
    return component("live", file="live.js", exported="listen", html='<span class="cp-live" hidden></span>')
