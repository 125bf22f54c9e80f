"""Chapters as rows that are changed in place: one browser component for the whole list, drawn from plain values."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from backend.accounts.models import Viewer
from backend.chapters.models import STATUSES
from backend.kit.i18n import _, ngettext, number
from backend.progress.models import SOLVED_LIMIT, ChapterRow
from pages.chapters import saving
from pages.shell import services
from pages.widgets.browser_component import component, encoded, rerun_only
from pages.widgets.marks import mark
from pages.widgets.style import asset

STEPS = (1, 5, 10)


def editable_rows(
    viewer: Viewer, ids: Sequence[str], *, key: str, single: bool = False, follows: bool = False
) -> tuple[ChapterRow, ...]:
    """Draw the chapters of `ids` with the viewer's own controls, and return their rows.

    What is changed in them goes from the browser to pages/chapters/acts.py, whose answer they show without a run. Call
    it inside a fragment: with `follows` it runs after each save, for what else it shows. `single`: one chapter on its
    own page, without its name and without selecting.
    """
    rows = services.backend().overview.rows(viewer, ids)
    data = {**_data(viewer, rows, single=single), "follows": follows}
    _rows_component()(data=encoded(data), key=key, on_saved_change=rerun_only)
    return rows


def trend_words(trend: str) -> tuple[str, str]:
    """Icon and word of a trend; both empty for a steady one."""
    return {
        "rising": ("trending_up", _("Rising")),
        "falling": ("trending_down", _("Falling")),
    }.get(trend, ("", ""))


def about(row: ChapterRow) -> str:
    """Subject · class · unit."""
    return " · ".join((row.chapter.subject, row.chapter.class_, row.chapter.unit))


def _rows_component() -> Any:
    css = f'@import url("{asset("chapter_rows.css")}");\n:root {{}}'
    html = '<div class="cp-rows"></div>'
    return component("chapter_rows", file="chapter_rows.js", exported="show", html=html, css=css)


def _data(viewer: Viewer, rows: Sequence[ChapterRow], *, single: bool) -> Mapping[str, Any]:
    return {
        "single": single,
        "person": viewer.id,
        "rows": [_row_data(row) for row in rows],
        "statuses": [_status_data(status) for status in STATUSES],
        "steps": STEPS,
        "words": _words(),
    }


def _row_data(row: ChapterRow) -> Mapping[str, Any]:
    chapter = row.chapter
    icon, word = trend_words(row.trend)
    return {
        "id": chapter.id,
        "name": chapter.chapter,
        "about": about(row),
        "years": sorted(chapter.year_wise_question_count.items()),
        "asked": chapter.question_total,
        "exam": _exam_words(row),
        "trend": [icon, word],
        **msgspec.to_builtins(saving.own_row(row.own)),
    }


def _exam_words(row: ChapterRow) -> str:
    if not row.chapter.year_wise_question_count:
        return _("No past papers known")
    asked = ngettext("{count} asked", "{count} asked", row.chapter.question_total)
    recent = ngettext("{count} in 3 years", "{count} in 3 years", row.recent_total)
    return f"{asked.format(count=number(row.chapter.question_total))} · {recent.format(count=number(row.recent_total))}"


def _status_data(status: str) -> Mapping[str, str]:
    look = mark(status)
    return {"value": status, "word": look.word, "icon": look.icon, "tone": look.tone}


def _words() -> Mapping[str, str]:
    return {
        "list": _("Chapters"),
        "select": _("Select {name}"),
        "all": _("Select all on this page"),
        "selected": _("{count} selected"),
        "bulk": _("For the selected chapters"),
        "clear": _("Select none"),
        "markWeak": _("Mark weak"),
        "unmarkWeak": _("Not weak"),
        "weakIcon": mark("weak").icon,
        "status": _("Status of {name}"),
        "solved": _("Questions solved of {name}"),
        "of": _("of {count}"),
        "add": _("Add {count} solved to {name}"),
        "weak": _("Weak"),
        "weakOf": _("Weak: {name}"),
        "saving": _("Saving …"),
        "slow": _("Not saved yet: no connection. It is kept here and sent again by itself."),
        "again": _("Try again"),
        "bad": _("Type a whole number from 0 to {most}.").format(most=number(SOLVED_LIMIT)),
        "ambiguous": _("{typed} can be read in two ways. Type the number without a comma or dot."),
        "twice": _("A double click: +{count} was counted once."),
        "countBoth": _("Count both"),
        "years": _("Questions asked each year"),
    }
