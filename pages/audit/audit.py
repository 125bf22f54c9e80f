"""The audit trail, for administrators: who did what, to whom, when and from where; searched, opened, taken along."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from backend.accounts.models import Viewer
from backend.audit.models import AuditFilter, ChainState, Entry, EntryPage
from backend.kit.i18n import _, moment, ngettext, number
from pages.audit import text as words
from pages.shell import downloads, services, session
from pages.shell.script_runs import fragment
from pages.widgets.elements import button_row, empty_state, filter_bar, page_header, plain
from pages.widgets.tables import Cell, Column, Row, data_table, static_table

PAGE_SIZE = 50
SEARCHED_PEOPLE = 200
CURSORS = "audit.cursors"


def wanted_by(viewer: Viewer) -> AuditFilter:
    """The filters: part of a name, an act, days in the reader's zone."""
    with filter_bar("audit"):
        text = st.text_input(
            _("Person"), key="audit-person", type="search", placeholder=_("Name or e-mail address"), width=240,
            on_change=_from_the_start,
        )  # fmt: skip
        acts = words.act_words()
        act = st.selectbox(
            _("Action"), list(acts), index=None, format_func=acts.__getitem__, key="audit-act", width=240,
            placeholder=_("All actions"), on_change=_from_the_start,
        )  # fmt: skip
        today = services.backend().clock.now().astimezone(ZoneInfo(viewer.time_zone)).date()
        days = st.date_input(
            _("Period"), value=[], max_value=today, format="DD/MM/YYYY", key="audit-days", width=280,
            on_change=_from_the_start,
        )  # fmt: skip
    first, last = (*days, None, None)[:2] if isinstance(days, tuple) else (days, None)
    return AuditFilter(
        people=_people(viewer, text) if text else None,
        act=act,
        since=_midnight(first, viewer) if first else None,
        until=_midnight((last or first) + timedelta(days=1), viewer) if first else None,
    )


def _people(viewer: Viewer, text: str) -> tuple[str, ...]:
    found = services.backend().administration.users(viewer, search=text, limit=SEARCHED_PEOPLE)
    return (*(user.id for user in found.users), text.strip())  # the id of somebody who is gone


def _midnight(day: date, viewer: Viewer) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(viewer.time_zone)).astimezone(UTC)


def _from_the_start() -> None:
    st.session_state[CURSORS] = []


@fragment
def draw_trail() -> None:
    """The entries that fit, newest first; a click opens one."""
    viewer = session.viewer("admin")
    backend = services.backend()
    wanted = wanted_by(viewer)
    cursors: list[int] = st.session_state.setdefault(CURSORS, [])
    page = backend.audit.entries(viewer, wanted, before=cursors[-1] if cursors else None, limit=PAGE_SIZE)
    if not page.entries:
        empty_state("manage_search", _("Nothing found"), _("Try another person, action or period."))
        return
    names = {**page.names, **_things(viewer)}
    heads = [Column(_("When")), Column(_("Action")), Column(_("Who")), Column(_("Target"))]
    rows = [_row(each, names, viewer) for each in page.entries]
    opened = data_table(_("Audit trail, newest first"), heads, rows, key="audit-table", stacked=True, fixed_order=True)
    _turn_pages(page, cursors)
    _download(viewer, wanted)
    entry = next((each for each in page.entries if str(each.id) == opened), None)
    if entry:
        open_entry(entry, names, viewer)


def _things(viewer: Viewer) -> dict[str, str]:
    backend = services.backend()
    classes = {each.id: each.name for each in backend.classrooms.classrooms(viewer)}
    return classes | {each.id: each.chapter for each in backend.chapters.every()}


def _row(entry: Entry, names: dict[str, str], viewer: Viewer) -> Row:
    at = Cell(moment(entry.at, viewer.time_zone, "medium"), sort=entry.id)
    return Row(str(entry.id), [at, words.act_word(entry.act), words.who(entry, names), words.whom(entry, names)])


def _turn_pages(page: EntryPage, cursors: list[int]) -> None:
    """Draw the pager. It uses cursors, so that new entries do not move others from page to page."""
    if page.next_before is None and not cursors:
        return
    with button_row("audit-pages"):
        st.button(_("Newest"), key="audit-newest", icon=":material/first_page:", disabled=not cursors,
                  on_click=_from_the_start)  # fmt: skip
        st.button(_("Older"), key="audit-older", icon=":material/navigate_next:", disabled=page.next_before is None,
                  on_click=lambda: cursors.append(page.next_before or 0))  # fmt: skip


def _download(viewer: Viewer, wanted: AuditFilter) -> None:
    backend = services.backend()

    def content(reader: Viewer) -> bytes:
        return words.to_csv(backend.audit.export(reader, wanted), reader.time_zone)

    st.download_button(
        _("CSV"), downloads.fetched(content), words.file_name(backend.progress.today(viewer)), "text/csv",
        key="audit-csv", icon=":material/download:", on_click="ignore",
        help=_("What your filters show; people by their id alone."),
    )  # fmt: skip


def open_entry(entry: Entry, names: dict[str, str], viewer: Viewer) -> None:
    """Everything that is known of one act."""

    @st.dialog(_("Entry {number}").format(number=number(entry.id)), icon=":material/receipt_long:")
    def dialog() -> None:
        st.markdown(f"**{plain(words.act_word(entry.act))}**")
        at = moment(entry.at, viewer.time_zone, "full")
        st.text(f"{words.who(entry, names)} → {words.whom(entry, names)}\n{at}")
        if entry.before or entry.after:
            static_table(words.facts_table(entry))
        if entry.origin:
            seen = entry.origin
            st.text(_("From {address}").format(address=seen.address or _("this machine")) + f"\n{seen.agent}")
        st.caption(plain(f"{entry.actor_id} ({entry.actor_role}) → {entry.target_kind} {entry.target_id}"))

    dialog()


def draw_state(state: ChainState | None, viewer: Viewer) -> None:
    """Whether the trail is as it was written."""
    if state is None:
        return
    at = moment(state.checked_at, viewer.time_zone, "medium")
    if state.broken_at is not None:
        text = _("The trail was changed in the database: from entry {number} on it is not as it was written.")
        st.error(text.format(number=number(state.broken_at)), icon=":material/gpp_bad:")
        return
    text = ngettext(
        "{count} entry checked {time}: as it was written.", "{count} entries checked {time}: as they were written.",
        state.entries,
    )  # fmt: skip
    st.caption(text.format(count=number(state.entries), time=at))


reader = session.viewer("admin")
with page_header(
    _("Audit"), _("Who did what with rights over others, when, and from where. Nobody can change it."), icon="policy"
):
    checked = st.button(_("Check the trail"), icon=":material/verified_user:", key="audit-check")
service = services.backend().audit
draw_state(service.check(reader) if checked else service.state(), reader)
draw_trail()
