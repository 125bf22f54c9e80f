"""Tables as real HTML: twins of charts, static tables, and the sortable table whose rows open."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import msgspec
import streamlit as st

from backend.kit.i18n import _, number
from pages.widgets.browser_component import component, encoded, rerun_only
from pages.widgets.marks import mark
from pages.widgets.style import chip, escape

NARROW = 3  # columns: a table of so few reads badly when it is stretched over the page


@dataclass(frozen=True)
class Column:
    """A column: its heading, whether it holds numbers (aligned right), and its rule in one sentence."""

    label: str
    numeric: bool = False
    rule: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell that is more than its value: `sort` orders it, `kind` shows it as a mark, `note` stands under it.

    `hint` is said when the cell of a sortable table is pointed at.
    """

    text: str
    sort: float | str | None = None
    kind: str = ""
    note: str = ""
    hint: str = ""


Value = Cell | str | float | None


@dataclass(frozen=True)
class Row:
    """A row of a sortable table, known by its id; the first cell names it. One that is kept is encoded once."""

    id: str
    cells: Sequence[Value]

    @cached_property
    def data(self) -> msgspec.Raw:
        """The row as JSON for the browser."""
        return msgspec.Raw(encoded({"id": self.id, "cells": [_cell_data(value) for value in self.cells]}))


@dataclass(frozen=True)
class Twin:
    """The facts of a chart as a table. Many rows are given as a function, because few people open the table."""

    caption: str
    columns: Sequence[Column | str]
    rows: Sequence[Sequence[Value]] | Callable[[], Sequence[Sequence[Value]]]

    @property
    def made_rows(self) -> Sequence[Sequence[Value]]:
        """The rows; a function that was given is called now."""
        return self.rows() if callable(self.rows) else self.rows


def twin_table(twin: Twin, *, label: str = "", expanded: bool = False, key: str = "") -> None:
    """The table twin of a chart or grid, behind "Show as table": made and sent only while it is open.

    Opening it runs the part of the page that it stands in. `key` tells it from others under the same words.
    """
    with st.expander(
        label or _("Show as table"), expanded=expanded, icon=":material/table_rows:", type="compact",
        key=f"twin-{key or _words_key(twin)}", on_change="rerun",
    ) as box:  # fmt: skip
        if box.open:
            st.html(table_html(twin))


def _words_key(twin: Twin) -> str:
    return sha256(twin.caption.encode()).hexdigest()[:12]


def static_table(twin: Twin) -> None:
    """A table that is always in sight, such as a short leaderboard."""
    st.html(table_html(twin))


def table_html(twin: Twin, *, marked: int | None = None) -> str:
    """A `<table>` with a caption, scoped headings and a heading per row; row number `marked` stands out as "you"."""
    columns = [_column(column) for column in twin.columns]
    head = "".join(_heading_html(column) for column in columns)
    rows = twin.made_rows
    body = "".join(_row_html(columns, row, index == marked) for index, row in enumerate(rows))
    if not rows:
        body = f'<tr><td colspan="{len(columns)}">{escape(_("No data yet"))}</td></tr>'
    kind = "cp-table cp-narrow" if len(columns) <= NARROW else "cp-table"
    return (
        f'<div class="{kind}" role="region" tabindex="0" aria-label="{escape(twin.caption)}"><table>'
        f"<caption>{escape(twin.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f"{_rules_html(columns)}"
    )


def _rules_html(columns: Sequence[Column]) -> str:
    return rules_html(_("What the columns mean"), [(column.label, column.rule) for column in columns if column.rule])


def rules_html(heading: str, rules: Sequence[tuple[str, str]]) -> str:
    """Rules to unfold, for those who cannot point: by touch and by keyboard a title is out of reach."""
    if not rules:
        return ""
    items = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(rule)}</dd></div>" for label, rule in rules)
    return f'<details class="cp-rules"><summary>{escape(heading)}</summary><dl>{items}</dl></details>'


def _column(column: Column | str) -> Column:
    return Column(column) if isinstance(column, str) else column


def _heading_html(column: Column) -> str:
    kind = ' class="cp-number"' if column.numeric else ""
    rule = f' title="{escape(column.rule)}"' if column.rule else ""
    return f'<th scope="col"{kind}{rule}>{escape(column.label)}</th>'


def _row_html(columns: Sequence[Column], row: Sequence[Value], marked: bool) -> str:
    pairs = zip(columns, row, strict=True)
    cells = [_in_cell(column, value, first=index == 0) for index, (column, value) in enumerate(pairs)]
    here = ' aria-current="true"' if marked else ""
    return f"<tr{here}>{''.join(cells)}</tr>"


def _in_cell(column: Column, value: Value, *, first: bool) -> str:
    kind = ' class="cp-number"' if column.numeric else ""
    content = _cell_html(value)
    return f'<th scope="row"{kind}>{content}</th>' if first else f"<td{kind}>{content}</td>"


def _cell_html(value: Value) -> str:
    if isinstance(value, Cell):
        shown = chip(value.kind, value.text) if value.kind else escape(value.text)
        return shown + (f"<small>{escape(value.note)}</small>" if value.note else "")
    return escape(text_of(value))


def text_of(value: Value) -> str:
    """A value as words: numbers by locale, None as "–" (no data, which is not zero)."""
    if value is None:
        return "–"
    if isinstance(value, Cell):
        return value.text
    return value if isinstance(value, str) else number(value)


def _sortable() -> Any:
    return component("sortable_table", file="table.js", exported="table", html='<div class="cp-sortable"></div>')


UNORDERED = -1  # no column: as the list is given


@dataclass(frozen=True)
class Order:
    """By which column, from 0, a list that comes in pages is ordered."""

    column: int = 0
    descending: bool = False


def order_of(key: str, first: Order | None = None) -> Order:
    """Return the order that was last asked for in the table `key`, whose rows come in pages; `first` before that."""
    return st.session_state.get(f"{key}-order") or first or Order()


def data_table(
    caption: str,
    columns: Sequence[Column | str],
    rows: Sequence[Row],
    *,
    key: str,
    sort: int | None = 0,
    descending: bool = False,
    selected: str | None = None,
    opens: bool = True,
    stacked: bool = False,
    on_order: Callable[[], None] | None = None,
    fixed_order: bool = False,
) -> str | None:
    """A table that sorts by any column in the browser, by mouse and keyboard, and whose rows open.

    Rows that are one page of many are ordered by whoever made the page: with `on_order`, a heading changes
    `order_of(key)`, calls it (to go to the first page) and reruns; with `fixed_order` no heading sorts.

    Returns the id of the row that has just been opened (once), else None. `selected` marks the row that is open
    beside the table; `sort` and `descending` are the first order (None: as given). `stacked`: on a
    phone each row becomes a small card, the first of them in sight and the rest behind a button. It is an HTML
    table and needs no twin.
    """
    if on_order:
        asked = order_of(key, Order(UNORDERED if sort is None else sort, descending))
        sort, descending = None if asked.column == UNORDERED else asked.column, asked.descending
    elif fixed_order:
        sort = None
    data = {
        "caption": caption,
        "ordering": "server" if on_order else "fixed" if fixed_order else "browser",
        "columns": [_column_data(_column(column)) for column in columns],
        "rows": [row.data for row in rows],
        "sort": sort,
        "descending": descending,
        "selected": selected,
        "opens": opens,
        "stacked": stacked,
        "words": _words(len(rows)),
    }

    def reorder() -> None:
        wanted = st.session_state[key].get("order") or {}
        st.session_state[f"{key}-order"] = Order(int(wanted["column"]), bool(wanted["descending"]))
        if on_order:
            on_order()

    result = _sortable()(data=encoded(data), key=key, on_open_change=rerun_only, on_order_change=reorder)
    opened = result.get("open")
    return str(opened) if opened is not None else None


def _words(rows: int) -> Mapping[str, str]:
    return {
        "sort": _("Sort by {column}"),
        "up": _("Sorted by {column}, ascending"),
        "down": _("Sorted by {column}, descending"),
        "open": _("Open {name}"),
        "empty": _("No data yet"),
        "none": _("no data"),
        "rules": _("What the columns mean"),
        "all": _("Show all {count}").format(count=number(rows)),
    }


def _column_data(column: Column) -> dict[str, Any]:
    return {"label": column.label, "numeric": column.numeric, "rule": column.rule}


def _cell_data(value: Value) -> str | dict[str, Any]:
    """Return the cell in its shortest form; table.js fills in defaults."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Cell):
        return {"text": text_of(value), "sort": value}
    look = mark(value.kind) if value.kind else None
    said = {
        "text": value.text,
        "sort": value.sort,
        "note": value.note or None,
        "hint": value.hint or None,
        "icon": look.icon if look else None,
        "tone": look.tone if look else None,
    }
    return {name: word for name, word in said.items() if word is not None}
