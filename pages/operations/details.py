"""The lower half of the health page: one kind of detail at a time, so that only what is looked at is drawn."""

from collections.abc import Callable, Mapping

import streamlit as st

from backend.accounts.models import Viewer
from backend.errors import Unavailable
from backend.kit.i18n import _, number
from pages.operations import text as words
from pages.operations.jobs import draw_jobs
from pages.operations.last_hour import HOUR, hour_twin
from pages.operations.limits import limits_html
from pages.operations.memory_trace import draw_memory
from pages.shell import services
from pages.widgets.elements import empty_html, section_html
from pages.widgets.tables import table_html, twin_table

CHOSEN = "health.details"


def draw_details(viewer: Viewer) -> None:
    """The choice, and what was chosen."""
    kinds = _titles()
    chosen = st.segmented_control(
        _("Details"), list(kinds), format_func=lambda kind: kinds[kind], default="hour", key=CHOSEN, required=True
    )
    _PARTS[str(chosen)](viewer)


def _titles() -> Mapping[str, str]:
    return {
        "hour": _("The last hour"),
        "jobs": _("Jobs"),
        "speed": _("Speed"),
        "slow": _("Slow commands"),
        "memory": _("Memory"),
        "cache": _("Cache"),
        "limits": _("Limits"),
    }


def _draw_hour(viewer: Viewer) -> None:
    try:
        history = services.backend().operations.history(viewer)
    except Unavailable as error:  # the checks above say more, and must stay in sight
        st.info(error.message, icon=":material/monitoring:")
        return
    st.html(HOUR.get(history, viewer.time_zone))
    if history.points:
        twin_table(hour_twin(history, viewer.time_zone), key="hour")


def _draw_speed(viewer: Viewer) -> None:
    health = services.backend().operations.health(viewer)
    note = _("This process, in the last five to ten minutes. Percentiles are within 5%.")
    kinds = words.timing_table(health.timings, _("Time by kind of work"))
    slowest = words.timing_table(health.slowest_queries, _("Database commands that took the most time in all"))
    _stack(section_html(_("How fast"), note), table_html(kinds), table_html(slowest))


def _draw_slow(viewer: Viewer) -> None:
    found = services.backend().monitoring.slow(viewer)
    note = _("Commands slower than {limit} ms, by shape, of all processes. No values are kept.").format(
        limit=number(services.backend().settings.slow_operation_ms)
    )
    if found:
        _stack(section_html(_("Slow commands"), note), table_html(words.slow_table(found)))
        return
    hint = _("No command was that slow in the last week. A slow one is listed here within half a minute.")
    _stack(section_html(_("Slow commands"), note), empty_html("speed", _("None"), hint))


def _draw_cache(viewer: Viewer) -> None:
    regions = services.backend().monitoring.cache(viewer)
    note = _("Where values were read from. Redis may be emptied at any moment without losing anything.")
    _stack(section_html(_("Cache"), note), table_html(words.cache_table(regions)))


def _draw_limits(viewer: Viewer) -> None:
    _stack(limits_html(viewer))


def _stack(*parts: str) -> None:
    """One element for the whole of it."""
    st.html(f'<div class="cp-parts">{"".join(parts)}</div>')


_PARTS: Mapping[str, Callable[[Viewer], None]] = {
    "hour": _draw_hour,
    "jobs": draw_jobs,
    "speed": _draw_speed,
    "slow": _draw_slow,
    "memory": draw_memory,
    "cache": _draw_cache,
    "limits": _draw_limits,
}
