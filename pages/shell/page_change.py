"""A change of page or panel as a person notices it: said by a screen reader, the focus where the eye is."""

from backend.kit.i18n import _
from pages.widgets.browser_component import component, encoded


def announce(title: str) -> None:
    """Say `title` where another page was shown before. Call it once a page, outside of fragments."""
    made = component("page_change", file="page_change.js", exported="announce", html="<span hidden></span>")
    made(data=encoded({"title": title, "menu": _("Menu")}), key="cp-page-change")


def focus_panel(opened: str) -> None:
    """Move the focus to the heading of the panel that shows row `opened`; on closing, back to that row's button."""
    made = component("panel", file="page_change.js", exported="panel", html="<span hidden></span>")
    made(data=encoded({"opened": opened}), key="cp-panel-focus")
