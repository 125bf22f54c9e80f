"""The syllabus as the areas of a treemap: whole, subject, unit, chapter. Drawing them is not done here."""

from functools import lru_cache

from backend.kit.i18n import _, current_locale, number
from backend.progress.models import SyllabusNode
from pages.widgets.charts import Area

WHOLE = "whole"


def areas(nodes: tuple[SyllabusNode, ...]) -> tuple[Area, ...]:
    """The syllabus as a tree; chapters that were never asked have no area."""
    return _areas(nodes, current_locale())


@lru_cache(maxsize=64)
def _areas(nodes: tuple[SyllabusNode, ...], _locale: str) -> tuple[Area, ...]:
    groups: dict[tuple[str, ...], list[SyllabusNode]] = {(): list(nodes)}
    for node in nodes:
        groups.setdefault((node.subject,), []).append(node)
        groups.setdefault((node.subject, node.unit), []).append(node)
    found = [_area(path, parts) for path, parts in groups.items()]
    for node in nodes:
        found.append(_area((node.subject, node.unit, node.chapter_id), [node], label=node.chapter))
    return tuple(area for area in found if area.size > 0)


def _area(path: tuple[str, ...], nodes: list[SyllabusNode], label: str = "") -> Area:
    asked = sum(node.questions for node in nodes)
    solved = sum(min(node.solved, node.questions) for node in nodes)
    return Area(
        id="/".join((WHOLE, *path)),
        parent="/".join((WHOLE, *path[:-1])) if path else "",
        label=label or (path[-1] if path else _("Syllabus")),
        size=asked,
        share=solved / asked if asked else 0.0,
        words=_("{solved} of {asked} solved").format(solved=number(solved), asked=number(asked)),
    )
