"""Shared parts of the pages: headings, key figures, rings, notices, pagers. Plain values in; nothing is looked up."""

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import Page

from backend.kit.i18n import _, clock_time, ngettext, number, percent
from pages.widgets.marks import mark
from pages.widgets.style import chip, chip_label, chip_text, escape, icon_code, icon_html, plain, style

__all__ = [
    "KeyFigure",
    "Ring",
    "as_of",
    "as_of_html",
    "ask",
    "avatar_html",
    "button_row",
    "card",
    "chip",
    "chip_label",
    "chip_text",
    "chips",
    "confirmed",
    "empty_html",
    "empty_state",
    "escape",
    "figures_html",
    "filter_bar",
    "has_title",
    "icon_code",
    "link_html",
    "mark",
    "metric_row",
    "note_title",
    "notice_saved",
    "page_header",
    "page_title",
    "pager",
    "person_html",
    "plain",
    "progress_ring",
    "ring_text",
    "rings_html",
    "rings_row",
    "section",
    "section_html",
    "style",
    "title_html",
    "year_strip",
]


_has_title: ContextVar[bool] = ContextVar("has_title", default=False)


@dataclass(frozen=True)
class KeyFigure:
    """One key figure: a formatted value (None = no data), its rule in one sentence, and a change in words."""

    label: str
    value: str | None
    rule: str = ""
    change: str = ""
    icon: str = ""


@dataclass(frozen=True)
class Ring:
    """One ring: how many of how many. `tone` 1 to 7 picks a colour of the chart palette."""

    label: str
    done: int
    total: int
    tone: int = 1


def note_title(*, is_there: bool = True) -> None:
    """The page has its heading; or a page begins, which has none yet."""
    _has_title.set(is_there)


def has_title() -> bool:
    """Whether the page that runs has its heading: one that ends without is given one."""
    return _has_title.get()


def page_header(title: str, subtitle: str = "", icon: str = "") -> DeltaGenerator:
    """The heading of a page (its only h1). Returns a container at the right for the page's actions."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="cp-header", gap="small"):
        page_title(title, subtitle, icon)
        return st.container(
            horizontal=True, horizontal_alignment="right", width="content", key="cp-actions", gap="xsmall"
        )


def page_title(title: str, subtitle: str = "", icon: str = "", *, link: tuple[str, str, str] | None = None) -> None:
    """The heading of a page without actions, or with one `link` alone: its path, words and icon.

    One element where `page_header` sends three.
    """
    st.html(title_html(title, subtitle, icon, link=link))


def title_html(title: str, subtitle: str = "", icon: str = "", *, link: tuple[str, str, str] | None = None) -> str:
    """`page_title` for HTML parts."""
    note_title()
    heading = f"<h1>{icon_html(icon)}<span>{escape(title)}</span></h1>"
    below = f"<p>{escape(subtitle)}</p>" if subtitle else ""
    beside = link_html(*link) if link else ""
    return f'<header class="cp-header"><div>{heading}{below}</div>{beside}</header>'


def link_html(path: str, words: str, icon: str = "", *, said: str = "") -> str:
    """A link to another page of the product, for HTML parts of pages that listen (see _live).

    `said` is what a screen reader says instead of words that stand on several links.
    """
    name = f' aria-label="{escape(said)}"' if said else ""
    return f'<a class="cp-go" href="{escape(path)}"{name}>{icon_html(icon)}<span>{escape(words)}</span></a>'


def section(title: str, note: str = "") -> None:
    """A heading within a page (h2), with an optional line under it."""
    st.html(section_html(title, note))


def section_html(title: str, note: str = "") -> str:
    """`section` for HTML parts."""
    below = f"<p>{escape(note)}</p>" if note else ""
    return f'<div class="cp-section"><h2>{escape(title)}</h2>{below}</div>'


def card(key: str | None = None) -> DeltaGenerator:
    """A quiet bordered container that groups what belongs together."""
    return st.container(border=True, key=f"cp-card-{key}" if key else None)


def metric_row(figures: Sequence[KeyFigure]) -> None:
    """Key figures side by side: four across on a desk, two on a phone. A missing value reads "–" and "No data yet"."""
    st.html(figures_html(figures))


def figures_html(figures: Sequence[KeyFigure]) -> str:
    """Key figures as a description list; the rule of each unfolds by mouse, touch and keyboard."""
    return f'<dl class="cp-figures">{"".join(_figure_html(figure) for figure in figures)}</dl>'


def _figure_html(figure: KeyFigure) -> str:
    missing = figure.value is None
    change = _("No data yet") if missing else figure.change
    below = f'<dd class="cp-change">{escape(change)}</dd>' if change else ""
    return (
        f'<div class="cp-figure"><dt>{icon_html(figure.icon)}<span>{escape(figure.label)}</span>'
        f'{_rule_html(figure)}</dt><dd class="cp-value">{escape("–" if missing else figure.value)}</dd>{below}</div>'
    )


def _rule_html(figure: KeyFigure) -> str:
    if not figure.rule:
        return ""
    asked = _("What this means: {label}").format(label=figure.label)
    return (
        f'<details class="cp-rule" name="cp-rule"><summary title="{escape(figure.rule)}" '
        f'aria-label="{escape(asked)}">{icon_html("help")}</summary><p>{escape(figure.rule)}</p></details>'
    )


def ring_text(done: int, total: int) -> str:
    """ "12 of 45 done, 33 left"; where there is nothing to do, that is what it says."""
    if total <= 0:
        return _("Nothing to do here yet")
    if done >= total:
        return _("All {total} done").format(total=number(total))
    words = ngettext("{done} of {total} done, {left} left", "{done} of {total} done, {left} left", total)
    return words.format(done=number(done), total=number(total), left=number(total - done))


def progress_ring(label: str, done: int, total: int, tone: int = 1) -> None:
    """One ring with its label and its words as real text."""
    rings_row([Ring(label, done, total, tone)])


def rings_row(rings: Iterable[Ring]) -> None:
    """Rings side by side; they wrap where the screen is narrow."""
    st.html(rings_html(rings))


def rings_html(rings: Iterable[Ring]) -> str:
    """`rings_row` for HTML parts."""
    return f'<ul class="cp-rings">{"".join(_ring_html(ring) for ring in rings)}</ul>'


def _ring_html(ring: Ring) -> str:
    share = min(1.0, ring.done / ring.total) if ring.total > 0 else 0.0
    middle = percent(share) if ring.total > 0 else "–"
    return (
        f'<li class="cp-ring" style="--cp-share:{share:.4f};--cp-ring:var(--cp-chart-{ring.tone})">'
        f'<span class="cp-ring-dial" aria-hidden="true"><span>{middle}</span></span>'
        f'<span class="cp-ring-words"><strong>{escape(ring.label)}</strong>'
        f"<span>{escape(ring_text(ring.done, ring.total))}</span></span></li>"
    )


def chips(kinds: Iterable[str]) -> None:
    """States as a line of chips, each icon and word."""
    st.html(f'<div class="cp-chips">{"".join(chip(kind) for kind in kinds)}</div>')


def empty_state(
    icon: str, title: str, next_step: str, action: str = "", *, key: str = "empty", page: Page | str | None = None
) -> bool:
    """Draw the notice of a page that has nothing to show, and the next step.

    With `action` alone it has a button: returns True when it is clicked. With `page` too, a link to that page.
    """
    with st.container(key=f"cp-empty-{key}", horizontal_alignment="center", border=True):
        st.html(_empty_html(icon, title, next_step))
        if page is not None:
            st.page_link(page, label=plain(action) or None, icon=":material/arrow_forward:")
            return False
        return bool(action) and st.button(plain(action), type="primary", key=f"{key}-action")


def empty_html(icon: str, title: str, next_step: str, link: str = "") -> str:
    """`empty_state` for HTML parts; `link` is HTML, from `link_html`."""
    return f'<div class="cp-card">{_empty_html(icon, title, next_step, "h3", link)}</div>'


def _empty_html(icon: str, title: str, next_step: str, heading: str = "h2", link: str = "") -> str:
    return (
        f'<div class="cp-empty"><span class="cp-empty-icon">{icon_html(icon)}</span>'
        f"<{heading}>{escape(title)}</{heading}><p>{escape(next_step)}</p>{link}</div>"
    )


def notice_saved(text: str, undo_key: str | None = None) -> bool:
    """A quiet line such as "Saved 14:02", with Undo where `undo_key` is given. Returns True when Undo is clicked."""
    key = f"cp-saved-{undo_key}" if undo_key else None
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=key):
        st.html(
            f'<span class="cp-saved" role="status">{icon_html("check_circle")}{escape(text)}</span>', width="content"
        )
        return undo_key is not None and st.button(_("Undo"), key=undo_key, icon=":material/undo:", type="tertiary")


def as_of(at: datetime, zone: str) -> None:
    """A discreet "as of 14:02:05", in the reader's zone."""
    st.html(as_of_html(at, zone))


def as_of_html(at: datetime, zone: str) -> str:
    """`as_of` for HTML parts."""
    words = _("As of {time}").format(time=clock_time(at, zone, "medium"))
    return f'<p class="cp-as-of">{icon_html("schedule")}{escape(words)}</p>'


def person_html(name: str, note: str = "") -> str:
    """A person as initials, name and a note, for HTML parts."""
    below = f"<small>{escape(note)}</small>" if note else ""
    return f'<span class="cp-person">{avatar_html(name)}<span><strong>{escape(name)}</strong>{below}</span></span>'


def avatar_html(name: str) -> str:
    """The initials of a name in a disc whose colour follows from the name; hidden from screen readers."""
    initials = "".join(word[0] for word in name.split()[:2]).upper() or "?"
    tone = int(sha256(name.encode()).hexdigest(), 16) % 5 + 1
    return f'<span class="cp-avatar cp-avatar-{tone}" aria-hidden="true">{escape(initials)}</span>'


def filter_bar(key: str = "filters") -> DeltaGenerator:
    """A line of filters that wraps; use it with `with`, and give each widget a width."""
    return st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"cp-bar-{key}")


def button_row(key: str) -> DeltaGenerator:
    """A line of buttons that wraps, aligned left."""
    return st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"cp-buttons-{key}")


def pager(total: int, size: int, key: str) -> int:
    """Previous, next and page numbers under a list of `total` rows. Returns the page, from 1.

    Says "26–50 of 101". The page number lives in session state under `key`; it falls back to the last page when
    the list has become shorter.
    """
    pages = max(1, -(-total // size))
    if st.session_state.get(key, 1) > pages:
        st.session_state[key] = pages
    with st.container(horizontal=True, vertical_alignment="center", key=f"cp-pager-{key}"):
        place = st.empty()
        page = st.pagination(pages, key=key, max_visible_pages=5) if pages > 1 else 1
        first, last = (page - 1) * size + 1, min(page * size, total)
        words = _("{first}–{last} of {total}").format(first=number(first), last=number(last), total=number(total))
        place.html(f'<p class="cp-count">{escape(words if total else _("Nothing found"))}</p>', width="content")
    return int(page)


def ask(key: str, title: str, question: str, action: str, *, icon: str = "help") -> None:
    """Open a dialog that asks before an act; `title` and `question` are shown as typed.

    `confirmed(key)` is true in the run after the person agreed.
    """

    @st.dialog(plain(title), icon=icon_code(icon))
    def dialog() -> None:
        st.text(question)
        with button_row(f"{key}-ask"):
            agreed = st.button(plain(action), type="primary", key=f"{key}-yes", on_click=_agree, args=(key,))
            if agreed or st.button(_("Cancel"), key=f"{key}-no"):
                st.rerun()

    dialog()


def _agree(key: str) -> None:
    st.session_state[f"{key}-confirmed"] = True


def confirmed(key: str) -> bool:
    """Whether the person has just agreed to what `ask(key, …)` asked. True once."""
    return bool(st.session_state.pop(f"{key}-confirmed", False))


def year_strip(counts: dict[int, int], label: str) -> None:
    """Questions per exam year as small bars with the numbers printed; `label` says what is counted."""
    st.html(year_strip_html(counts, label))


def year_strip_html(counts: dict[int, int], label: str) -> str:
    """The bars of `year_strip` as HTML: a description list, so that it reads as "2019: 3"."""
    top = max(counts.values(), default=0) or 1
    bars = "".join(
        f'<div><dt>{year}</dt><dd style="--cp-share:{count / top:.4f}">{number(count)}</dd></div>'
        for year, count in sorted(counts.items())
    )
    return f'<figure class="cp-years"><figcaption>{escape(label)}</figcaption><dl>{bars}</dl></figure>'
