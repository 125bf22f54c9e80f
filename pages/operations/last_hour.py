"""The last hour of the whole system as small bar charts, a bar a minute, with one table that says the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backend.kit.i18n import _, clock_time, number, percent
from backend.operations.models import History, Point
from pages.operations.text import MEGABYTE, milliseconds
from pages.widgets.elements import empty_html, escape, section_html
from pages.widgets.html_memo import Drawn
from pages.widgets.tables import Column, Twin, Value

Words = Callable[[float], str]


@dataclass(frozen=True)
class Measure:
    """One chart: the field of a point, its name, how a value is said, and the least height of its axis."""

    field: str
    title: str
    words: Words
    least: float
    tone: int = 1


def hour_html(history: History, zone: str) -> str:
    """All charts."""
    head = section_html(
        _("The last hour"), _("All processes together, one bar per minute. Point at a bar to see its value.")
    )
    if not history.points:
        words = _("The first figures come half a minute after the start.")
        return head + empty_html("monitoring", _("Nothing measured yet"), words)
    charts = "".join(_chart_html(measure, history.points, zone) for measure in _measures())
    return f'<div class="cp-parts">{head}<div class="cp-hours">{charts}</div></div>'


HOUR = Drawn(hour_html)  # made once for each version of the data, reader's zone and language


def hour_twin(history: History, zone: str) -> Twin:
    """The same as a table, the latest minute first."""
    measures = _measures()
    columns: list[Column | str] = [Column(_("Time")), *(Column(each.title, numeric=True) for each in measures)]
    rows: list[list[Value]] = [
        [clock_time(point.at, zone), *(_said(each, point) for each in measures)] for point in reversed(history.points)
    ]
    return Twin(_("The last hour by minutes"), columns, rows)


def _measures() -> Sequence[Measure]:
    return (
        Measure("requests", _("Requests to the API"), number, 10),
        Measure("request_p95_ms", _("95% of requests within"), milliseconds, 20),
        Measure("runs", _("Pages drawn"), number, 10),
        Measure("run_p95_ms", _("95% of pages within"), milliseconds, 20),
        Measure("failed", _("Failures"), number, 5, tone=4),
        Measure("memory_bytes", _("Memory, largest process"), _megabytes, 100 * MEGABYTE, tone=3),
        Measure("loop_delay_ms", _("Delay of the event loop"), milliseconds, 20, tone=2),
        Measure("hit_share", _("Answered from the cache"), percent, 1.0),
        Measure("lag_seconds", _("Statistics behind by"), _seconds, 1.0, tone=2),
    )


def _chart_html(measure: Measure, points: Sequence[Point], zone: str) -> str:
    values = [getattr(point, measure.field) for point in points]
    known = [value for value in values if value is not None]
    top = max([measure.least, *known])
    now = measure.words(known[-1]) if known else "–"
    bars = "".join(_bar_html(measure, point, value, top, zone) for point, value in zip(points, values, strict=True))
    most = _("At most {value}").format(value=measure.words(max(known))) if known else _("No data yet")
    label = _("{name}: now {now}. {most}.").format(name=measure.title, now=now, most=most)
    first, last = (clock_time(point.at, zone) for point in (points[0], points[-1]))
    return (
        f'<figure class="cp-hour" style="--cp-ring:var(--cp-chart-{measure.tone})"><figcaption>'
        f"<span>{escape(measure.title)}</span><strong>{escape(now)}</strong></figcaption>"
        f'<div class="cp-hour-bars" role="img" aria-label="{escape(label)}">{bars}</div>'
        f"<p><span>{escape(first)}</span><span>{escape(most)}</span><span>{escape(last)}</span></p></figure>"
    )


def _bar_html(measure: Measure, point: Point, value: float | None, top: float, zone: str) -> str:
    if value is None:
        return "<b></b>"
    words = _("{time}: {value}").format(time=clock_time(point.at, zone), value=measure.words(value))
    return f'<b style="--cp-share:{value / top:.3f}" title="{escape(words)}"></b>'


def _said(measure: Measure, point: Point) -> str | None:
    value = getattr(point, measure.field)
    return None if value is None else measure.words(value)


def _megabytes(value: float) -> str:
    return _("{count} MB").format(count=number(round(value / MEGABYTE)))


def _seconds(value: float) -> str:
    return _("{value} s").format(value=number(round(value, 1)))
