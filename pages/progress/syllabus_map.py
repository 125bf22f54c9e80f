"""The map of the syllabus as HTML: a bar for each unit of each subject, which unfolds to the bars of its chapters."""

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote

from backend.kit.i18n import _, current_locale, number
from backend.progress.models import SyllabusNode
from pages.widgets.style import escape

K = TypeVar("K", bound=Hashable)


def map_html(nodes: tuple[SyllabusNode, ...]) -> str:
    """Return the map; chapters that were never asked are left out. Kept, because a syllabus has a hundred bars."""
    return _map_html(nodes, current_locale())


@lru_cache(maxsize=64)
def _map_html(nodes: tuple[SyllabusNode, ...], _locale: str) -> str:
    asked = [node for node in nodes if node.questions > 0]
    units = _grouped(asked, lambda node: (node.subject, node.unit))
    most_of_a_unit = max((_asked(parts) for parts in units.values()), default=1)
    most_of_a_chapter = max((node.questions for node in asked), default=1)
    subjects = "".join(
        _subject_html(subject, parts, most_of_a_unit, most_of_a_chapter)
        for subject, parts in _grouped(asked, lambda node: node.subject).items()
    )
    return f'<div class="cp-map">{subjects}</div>'


def _subject_html(subject: str, nodes: Sequence[SyllabusNode], most_of_a_unit: int, most_of_a_chapter: int) -> str:
    units = sorted(_grouped(nodes, lambda node: node.unit).items(), key=lambda pair: -_asked(pair[1]))
    rows = "".join(
        f"<li><details><summary>{_bar_html(escape(unit), parts, most_of_a_unit)}</summary>"
        f"<ul>{_chapters_html(parts, most_of_a_chapter)}</ul></details></li>"
        for unit, parts in units
    )
    return f"<section><h3>{escape(subject)}</h3><p>{escape(_words(nodes))}</p><ul>{rows}</ul></section>"


def _chapters_html(nodes: Sequence[SyllabusNode], most: int) -> str:
    rows = []
    for node in sorted(nodes, key=lambda node: -node.questions):
        link = f'<a href="chapter?id={quote(node.chapter_id)}">{escape(node.chapter)}</a>'
        rows.append(f"<li>{_bar_html(link, [node], most)}</li>")
    return "".join(rows)


def _bar_html(name: str, nodes: Sequence[SyllabusNode], most: int) -> str:
    """Return a name, its figures in words, and a bar: as long as it is asked, filled as far as it is solved."""
    asked = _asked(nodes)
    style = f"--cp-size:{asked / most:.4f};--cp-share:{_solved(nodes) / asked:.4f}"
    return (
        f'<span class="cp-map-row"><span>{name}</span><small>{escape(_words(nodes))}</small>'
        f'<i style="{style}" aria-hidden="true"></i></span>'
    )


def _words(nodes: Sequence[SyllabusNode]) -> str:
    return _("{solved} of {asked} solved").format(solved=number(_solved(nodes)), asked=number(_asked(nodes)))


def _asked(nodes: Sequence[SyllabusNode]) -> int:
    return sum(node.questions for node in nodes)


def _solved(nodes: Sequence[SyllabusNode]) -> int:
    return sum(min(node.solved, node.questions) for node in nodes)


def _grouped(nodes: Sequence[SyllabusNode], key: Callable[[SyllabusNode], K]) -> dict[K, list[SyllabusNode]]:
    found: dict[K, list[SyllabusNode]] = {}
    for node in nodes:
        found.setdefault(key(node), []).append(node)
    return found
