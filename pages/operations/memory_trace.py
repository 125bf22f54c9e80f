"""The part of the health page about memory: which lines of the program keep it, traced when somebody asks."""

import streamlit as st

from backend.accounts.models import Viewer
from backend.kit.i18n import _, moment, number
from backend.operations.check_titles import size
from backend.operations.memory_trace import MemoryTrace, Site
from pages.shell import services
from pages.shell.errors import noticed
from pages.widgets.elements import empty_html, section_html
from pages.widgets.tables import Column, Twin, Value, table_html

SECONDS = 10


def draw_memory(viewer: Viewer) -> None:
    """The last trace of this process, and a button that begins one."""
    trace = services.backend().memory.trace(viewer)
    head = section_html(_("Memory by line of the program"), _note(trace, viewer.time_zone))
    st.html(f'<div class="cp-parts">{head}{_found_html(trace)}</div>')
    label = _("Trace for {count} s").format(count=number(SECONDS))
    if st.button(label, key="trace-memory", icon=":material/memory:", disabled=trace.is_running):
        with noticed():
            services.backend().memory.start(viewer, SECONDS)
            st.toast(_("Memory is being traced; this process is slower meanwhile."))


def _note(trace: MemoryTrace, zone: str) -> str:
    if trace.is_running:
        return _("Being traced. The lines appear by themselves in {count} s at most.").format(
            count=number(trace.seconds)
        )
    if trace.started_at is None:
        return _("What this process allocates and keeps. Tracing makes it slower for some seconds, so it is asked for.")
    words = _("Kept of what was allocated in {count} s from {time} on: {size}.")
    return words.format(
        count=number(trace.seconds), time=moment(trace.started_at, zone, "short"), size=size(trace.held_bytes)
    )


def _found_html(trace: MemoryTrace) -> str:
    if trace.is_running or trace.started_at is None:
        words = _("Where memory grows (see the check above), trace it twice: what is large both times is worth a look.")
        return empty_html("memory", _("No trace yet") if trace.started_at is None else _("Being traced …"), words)
    columns = [Column(_("Line")), Column(_("Kept"), numeric=True), Column(_("Pieces"), numeric=True)]
    return table_html(Twin(_("The lines that keep the most"), columns, [_row(site) for site in trace.sites]))


def _row(site: Site) -> list[Value]:
    return [site.place, size(site.held_bytes), site.blocks]
