"""HTML that is made once for each value and reader's way of reading it, for values that services keep for a while."""

from collections.abc import Callable
from typing import Generic, TypeVar

from backend.kit.i18n import current_locale

V = TypeVar("V")
MOST = 64  # zones and languages of those who look at once


class Drawn(Generic[V]):
    """Keyed by the identity of the value: comparing would take as long as drawing."""

    def __init__(self, draw: Callable[[V, str], str]) -> None:
        self._draw = draw
        self._kept: dict[tuple[str, str], tuple[V, str]] = {}

    def get(self, value: V, zone: str) -> str:
        """The HTML for a reader in this zone, in the language of this run."""
        place = (zone, current_locale())
        kept = self._kept.get(place)
        if kept is not None and kept[0] is value:
            return kept[1]
        html = self._draw(value, zone)
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[place] = (value, html)
        return html
