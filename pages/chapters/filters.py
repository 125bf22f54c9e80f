"""The filters over a student's chapter list: widgets whose values live in the address, and their words."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st
from msgspec.structs import replace

from backend.accounts.models import Viewer
from backend.chapters.models import STATUSES
from backend.kit.i18n import _, ngettext, number
from backend.progress.models import ChapterFilters, ChapterPage, Facets, Sort
from pages.shell import services
from pages.widgets.elements import filter_bar
from pages.widgets.style import chip_text, escape, plain

T = TypeVar("T")

PAGE_SIZES = (20, 10)
ASKED = (5, 10, 15, 20, 30)
_CLEAR = "chapters.filters.clear"
_KEYS = ("search", "subject", "status", "class", "unit", "asked", "weak")
_MORE = ("class", "unit", "asked", "weak")

# token in the address → how the list is sorted, and whether from the most down
SORTS: dict[str, tuple[Sort, bool]] = {
    "syllabus": ("syllabus", False),
    "name": ("chapter", False),
    "recent": ("recent", True),
    "asked": ("asked", True),
    "left": ("left", True),
    "solved": ("solved", True),
    "status": ("status", False),
    "changed": ("updated", True),
}


def found_page(viewer: Viewer, filters: ChapterFilters, page: int) -> ChapterPage:
    """A page of the chapters that fit, or the last one if there are fewer pages."""
    overview = services.backend().overview
    found = overview.chapters(viewer, replace(filters, page=page))
    if found.total and page > found.total_pages:
        return overview.chapters(viewer, replace(filters, page=found.total_pages))
    return found


def chapter_filters(facets: Facets) -> ChapterFilters:
    """Draw the filters; returns what they say (page 1). Their values are in the address and survive a reload."""
    if st.session_state.pop(_CLEAR, False):
        clear()
    with filter_bar("chapters"):
        search = st.text_input(
            _("Search"), key="search", bind="query-params", icon=":material/search:", live="300ms", type="search",
            placeholder=_("Chapter or unit"), on_change=_first_page, width=220,
        )  # fmt: skip
        subject = _choice(_("Subject"), "subject", facets.subjects, _("All subjects"), width=160)
        status = _choice(_("Status"), "status", STATUSES, _("Any status"), chip_text, width=150)
        sort = st.selectbox(
            _("Sort by"), list(SORTS), key="sort", bind="query-params", format_func=_sort_words,
            on_change=_first_page, width=190, filter_mode=None,
        )  # fmt: skip
    class_, unit, asked, weak, size = None, None, None, False, PAGE_SIZES[0]
    with st.expander(
        _more_label(), type="compact", icon=":material/tune:", key="cp-more-filters", on_change="rerun"
    ) as more:
        # Closed and unused they would still be a quarter of the page's elements.
        if more.open or _is_more_used():
            class_, unit, asked, weak, size = _more(facets, subject)
    how, descending = SORTS[sort or "syllabus"]
    return ChapterFilters(
        subject=subject,
        class_=class_,
        unit=unit,
        status=status,
        weak_chapters=True if weak else None,
        search=search or "",
        min_recent=asked,
        sort=how,
        descending=descending,
        limit=size,
    )


def _is_more_used() -> bool:
    """Whether one of the further filters says something: in the address at first, in the session once it is drawn."""
    return any(_is_on(key) for key in (*_MORE, "rows"))


def _is_on(key: str) -> bool:
    state, usual = st.session_state, {"rows": PAGE_SIZES[0]}
    return state[key] not in (None, False, usual.get(key)) if key in state else key in st.query_params


def _more(facets: Facets, subject: str | None) -> tuple[str | None, str | None, int | None, bool, int]:
    with filter_bar("more"):
        class_ = _choice(_("Class"), "class", facets.classes, _("All classes"), width=150)
        units = facets.units.get(subject or "", ())
        unit = _choice(
            _("Unit"), "unit", units, _("All units") if units else _("Choose a subject first"), width=230,
            disabled=not units,
        )  # fmt: skip
        asked = _choice(_("Asked in the last 3 years"), "asked", ASKED, _("Any number"), _asked_words, width=190)
        size = st.selectbox(
            _("Rows per page"), PAGE_SIZES, key="rows", bind="query-params", format_func=number,
            on_change=_first_page, width=130, filter_mode=None,
        )  # fmt: skip
        weak = st.toggle(_("Weak only"), key="weak", bind="query-params", on_change=_first_page)
    return class_, unit, asked, weak, size or PAGE_SIZES[0]


def _choice(
    label: str,
    key: str,
    options: Sequence[T],
    none: str,
    words: Callable[[T], str] = str,
    *,
    width: int,
    disabled: bool = False,
) -> T | None:
    return st.selectbox(
        label,
        options,
        index=None,
        key=key,
        bind="query-params",
        placeholder=none,
        format_func=words,
        on_change=_first_page,
        width=width,
        disabled=disabled,
        filter_mode=None,
    )


def clear() -> None:
    """Clear every filter (a callback: it runs before the widgets are drawn)."""
    for key in _KEYS:
        st.session_state[key] = {"search": "", "weak": False}.get(key)
    _first_page()


def clear_in_next_run() -> None:
    """Clear every filter when the widgets of this run are drawn already; runs the page again."""
    st.session_state[_CLEAR] = True
    st.rerun()


def is_filtered(filters: ChapterFilters) -> bool:
    """Whether anything narrows the list."""
    return filters != ChapterFilters(sort=filters.sort, descending=filters.descending, limit=filters.limit)


def count_line(page: ChapterPage, filters: ChapterFilters) -> None:
    """Draw the number of chapters in words, with a button that clears the filters."""
    words = ngettext("{count} chapter", "{count} chapters", page.total)
    if is_filtered(filters):
        words = ngettext("{count} chapter fits your filters", "{count} chapters fit your filters", page.total)
    text = escape(_with_place(words.format(count=number(page.total)), page))
    said = f'<p class="cp-count" role="status">{text}</p>'
    if not is_filtered(filters):
        st.html(said)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="cp-count"):
        st.html(said, width="content")
        st.button(_("Clear filters"), on_click=clear, key="clear", type="tertiary", icon=":material/filter_alt_off:")


def _with_place(words: str, page: ChapterPage) -> str:
    if page.total_pages == 1:
        return words
    first = (page.page - 1) * page.limit + 1
    last = first + len(page.rows) - 1
    return _("{chapters}, {first}–{last} on this page").format(chapters=words, first=number(first), last=number(last))


def _first_page() -> None:
    st.session_state["page"] = 1


def _more_label() -> str:
    count = sum(_is_on(key) for key in _MORE)
    if not count:
        return _("More filters")
    return plain(ngettext("More filters: {count} on", "More filters: {count} on", count).format(count=number(count)))


def _asked_words(count: int) -> str:
    return ngettext("{count} question or more", "{count} questions or more", count).format(count=number(count))


def _sort_words(token: str) -> str:
    return {
        "syllabus": _("Syllabus order"),
        "name": _("Name"),
        "recent": _("Most asked in 3 years"),
        "asked": _("Most asked in all years"),
        "left": _("Most left to solve"),
        "solved": _("Most solved"),
        "status": _("Status"),
        "changed": _("Last changed"),
    }[token]
