"""Figures, drawn once per value and shown in the reader's theme, each with its twin table. No data is fetched here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from streamlit.elements import plotly_chart as _registers_the_template  # noqa: F401  # by being imported

from backend.kit.i18n import _, current_locale, day, number
from pages.widgets.style import escape
from pages.widgets.tables import Column, Twin, Value, twin_table

_CONFIG: Mapping[str, Any] = {
    "displayModeBar": False,
    "displaylogo": False,
    "plotlyServerURL": "",
    "scrollZoom": False,
    "doubleClick": False,
    "showTips": False,
}
_CLEAR = "rgba(0,0,0,0)"
_INK = "#000037"  # not a colour: Streamlit's template replaces it by the text colour of the reader's theme
DAYS_IN_WEEK = 7
FEW_BARS = 4
KEPT_PLOTS = 300  # of all people together


def chart(figure: go.Figure, description: str, twin: Twin, *, key: str, height: int = 300, above: str = "") -> None:
    """One sentence that says what a figure shows, the figure in the reader's theme, and the same facts as a table.

    `above` is HTML that goes before the sentence, in the same element: a heading, say.
    """
    st.html(f'<div class="cp-parts cp-said">{above}<p class="cp-note">{escape(description)}</p></div>')
    _plot(_token(figure), figure, height, key, twin.caption)
    twin_table(twin, key=key)


@st.cache_data(max_entries=KEPT_PLOTS, show_spinner=False)
def _plot(token: str, _figure: go.Figure, height: int, key: str, alt: str) -> None:
    """A figure as Streamlit sends it, kept for the next run that shows the same: writing it out costs most of it."""
    st.plotly_chart(_figure, height=height, config=dict(_CONFIG), key=key, alt=alt)


def _token(figure: go.Figure) -> str:
    """Return the hash of a figure, computed once for each object (the functions below keep the objects)."""
    found = getattr(figure, "_cp_token", None)
    if found is None:
        found = figure._cp_token = sha256(figure.to_json(validate=False).encode()).hexdigest()
    return str(found)


def _layout(figure: go.Figure, **more: Any) -> go.Figure:
    figure.update_layout(
        template="streamlit",
        paper_bgcolor=_CLEAR,
        plot_bgcolor=_CLEAR,
        margin={"l": 8, "r": 8, "t": 12, "b": 8},
        dragmode=False,
        bargap=0.35,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        font={"color": _INK},
        hoverlabel={"align": "left", "font": {"color": _INK}},
        uniformtext={"minsize": 11, "mode": "hide"},
        **more,
    )
    ink: dict[str, Any] = {"tickfont": {"color": _INK}, "title": {"font": {"color": _INK}}}
    figure.update_xaxes(showgrid=False, zeroline=False, fixedrange=True, automargin=True, **ink)
    figure.update_yaxes(zeroline=False, fixedrange=True, automargin=True, rangemode="tozero", **ink)
    return figure


@lru_cache(maxsize=256)
def bars_by_year(counts: tuple[tuple[int, int], ...], measure: str) -> go.Figure:
    """Bars with the number printed on each; `measure` names the numbers ("Questions")."""
    years = [str(year) for year, _count in counts]
    values = [count for _year, count in counts]
    bars = go.Bar(
        x=years,
        y=values,
        text=[number(value) for value in values],
        textposition="outside",
        cliponaxis=False,
        name=measure,
        hovertemplate="%{x}: %{y}<extra></extra>",
        marker={"cornerradius": 4},
    )
    figure = _layout(go.Figure(bars), showlegend=False)
    figure.update_yaxes(title={"text": measure}, nticks=5)
    figure.update_xaxes(type="category")
    return figure


@lru_cache(maxsize=256)
def bars_by_name(names: tuple[str, ...], values: tuple[int, ...], measure: str, kinds: str) -> go.Figure:
    """A lying bar for each of a few named groups, such as the bins of a histogram, so that names stay level.

    `kinds` says what the groups are.
    """
    bars = go.Bar(
        x=list(values),
        y=list(names),
        orientation="h",
        text=[number(value) if value else "" for value in values],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x}<extra></extra>",
        marker={"cornerradius": 4},
    )
    figure = _layout(go.Figure(bars), showlegend=False)
    figure.update_yaxes(type="category", autorange="reversed", title={"text": kinds}, ticksuffix=" ")
    figure.update_xaxes(title={"text": measure}, nticks=5, range=[0, max((*values, 1)) * 1.12])
    return figure


@dataclass(frozen=True)
class ChartLine:
    """One line of a chart: its name, the days and the values; `dashed` for a target."""

    name: str
    days: tuple[date, ...]
    values: tuple[float, ...]
    dashed: bool = False


@lru_cache(maxsize=256)
def lines_over_time(lines: tuple[ChartLine, ...], measure: str) -> go.Figure:
    """Curves over days, such as questions solved in all; the first is filled, dashed ones are targets."""
    figure = go.Figure()
    for index, line in enumerate(lines):
        figure.add_scatter(
            x=list(line.days),
            y=list(line.values),
            name=line.name,
            mode="lines",
            line={"width": 2.5, "shape": "hv" if index == 0 else "linear", "dash": "dot" if line.dashed else "solid"},
            fill="tozeroy" if index == 0 else None,
            hovertemplate="%{x|%d %b %Y}: %{y:,}<extra>%{fullData.name}</extra>",
        )
    figure = _layout(figure, showlegend=len(lines) > 1, hovermode="x unified")
    figure.update_xaxes(tickformat="%-d %b", nticks=6)
    figure.update_yaxes(title={"text": measure}, nticks=5)
    return figure


@lru_cache(maxsize=256)
def bars_over_time(days: tuple[date, ...], values: tuple[int, ...], measure: str) -> go.Figure:
    """One bar per day or week, such as completions in a class."""
    bars = go.Bar(x=list(days), y=list(values), name=measure, hovertemplate="%{x|%d %b %Y}: %{y}<extra></extra>")
    figure = _layout(go.Figure(bars), showlegend=False)
    figure.update_yaxes(title={"text": measure}, nticks=5)
    # Plotly would write its own round days under bars that begin on others; every second one fits a phone.
    named = list(days[::-2] if len(days) > FEW_BARS else days)
    figure.update_xaxes(tickvals=named, tickformat="%-d %b")
    return figure


def calendar(
    counts: Mapping[date, int],
    first: date,
    last: date,
    caption: str,
    *,
    words: Callable[[int], str],
    above: str = "",
) -> None:
    """A calendar of days, weeks across, darker for more, with its twin. `words` says a count ("12 questions"); it is a
    function of a module, because what was drawn with it is kept.

    Scrolls sideways on a phone, the latest weeks first. `above` is HTML that goes before it in the same element.
    """
    drawn = _calendar_html(tuple(counts.items()), first, last, caption, words, current_locale())
    st.html(f'<div class="cp-parts">{above}{drawn}</div>' if above else drawn)

    def rows() -> list[list[Value]]:
        return [[day(at), counts[at]] for at in sorted(counts, reverse=True) if counts[at] and first <= at <= last]

    twin_table(Twin(caption, [_("Day"), Column(_("Count"), numeric=True)], rows), key="calendar")


@lru_cache(maxsize=KEPT_PLOTS)
def _calendar_html(
    counts: tuple[tuple[date, int], ...],
    first: date,
    last: date,
    caption: str,
    words: Callable[[int], str],
    _locale: str,
) -> str:
    """A year is 365 days in words: a millisecond, of the nine that the whole page takes."""
    return calendar_html(dict(counts), first, last, caption, words=words)


def calendar_html(
    counts: Mapping[date, int],
    first: date,
    last: date,
    caption: str,
    *,
    words: Callable[[int], str] = number,
    week_starts: int = 0,
) -> str:
    """The calendar as HTML; each day carries its words as a tooltip, the whole carries `caption`."""
    top = max(counts.values(), default=0) or 1
    start = first - timedelta(days=(first.weekday() - week_starts) % DAYS_IN_WEEK)
    weeks = [start + timedelta(weeks=index) for index in range((last - start).days // DAYS_IN_WEEK + 1)]
    body = "".join(_week_html(week, counts, first, last, top, words) for week in weeks)
    names = "".join(
        f"<i>{day(start + timedelta(days=index), 'EEE') if index % 2 == 0 else ''}</i>" for index in range(DAYS_IN_WEEK)
    )
    scale = "".join(f'<b class="cp-heat-{level}"></b>' for level in range(5))
    return (
        f'<div class="cp-calendar"><div class="cp-calendar-scroll" role="img" tabindex="0" '
        f'aria-label="{escape(caption)}"><div class="cp-calendar-days">'
        f'<div class="cp-week cp-week-names"><span></span>{names}</div>{body}</div></div>'
        f'<p class="cp-scale">{escape(_("Less"))}{scale}{escape(_("More"))}</p></div>'
    )


def _week_html(
    week: date, counts: Mapping[date, int], first: date, last: date, top: int, words: Callable[[int], str]
) -> str:
    days = [week + timedelta(days=index) for index in range(DAYS_IN_WEEK)]
    month = next((day(at, "MMM") for at in days if at.day == 1 and at <= last), "")
    cells = "".join(
        f'<b class="cp-heat-{_level(counts.get(at, 0), top)}" title="{escape(_day_words(at, counts, words))}"></b>'
        if first <= at <= last
        else "<b></b>"
        for at in days
    )
    return f'<div class="cp-week"><span>{escape(month)}</span>{cells}</div>'


def _day_words(at: date, counts: Mapping[date, int], words: Callable[[int], str]) -> str:
    return _("{day}: {count}").format(day=day(at), count=words(counts.get(at, 0)))


def _level(count: int, top: int) -> int:
    """0 for nothing, else 1 to 4 by quarters of the busiest day."""
    return 0 if count <= 0 else min(4, 1 + (count * 4 - 1) // top)


def points(pairs: Sequence[tuple[date, float]]) -> tuple[tuple[date, ...], tuple[float, ...]]:
    """Days and values apart, as `Line` wants them."""
    return tuple(at for at, _value in pairs), tuple(value for _at, value in pairs)
