"""The style sheet, icons and chips, and the escaping of text. The colour of each state: marks.py."""

import hashlib
import html
import re
from functools import cache
from pathlib import Path

import streamlit as st

from backend.kit.i18n import _
from pages.widgets.marks import mark

ASSETS = Path(__file__).resolve().parents[1] / "assets"
# By address (see enableStaticServing): given as files they would be read, encoded and sent by every run.
LOGO = "/app/static/logo.svg"
MARK = "/app/static/mark.svg"

_JOINER = "\u2060"  # an invisible word joiner: it stops shortcodes and bare addresses from being recognised
_SPECIAL = re.compile(r"([\\`*_\[\]<>$~|&^])")
_BLOCK_START = re.compile(r"^(\s*)([#+\-=]|\d+[.)])")
_SHORTCODE = re.compile(r":(?=[A-Za-z+/_-])")
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=\bwww)(?=\.)|(?<=\S)(?=@)", re.IGNORECASE)


def style() -> None:
    """Load the product's style sheet; call once per run, before anything is drawn.

    The sheet is imported from /assets (see app.py) so that a rerun sends one short line and the browser keeps
    the rest; its version follows its content. Streamlit tells the app whether it is light or dark, but not the
    dialogs and menus outside it: hence color-scheme on the root.
    """
    scheme = st.context.theme.type or "light dark"
    st.html(f'<style>@import url("{asset("style.css")}");:root{{color-scheme:{scheme}}}</style>')


@cache
def asset(name: str) -> str:
    """The address of a file of pages/assets, so that browsers may keep it: it changes with any file of its kind.

    A script imports others under its own version.
    """
    alike = sorted(ASSETS.glob(f"*{Path(name).suffix}"))
    return f"/assets/{name}?v={hashlib.sha256(b''.join(path.read_bytes() for path in alike)).hexdigest()[:12]}"


def waiting_html(school: str) -> str:
    """Return the HTML in the window, in the look of the product, until the scripts of the page have come."""
    return (
        "<style>#cp-waiting{position:fixed;inset:0;display:grid;place-content:center;justify-items:center;gap:.75rem;"
        "padding:1rem;text-align:center;font:1rem/1.5 Figtree,'Noto Sans',sans-serif;color:#1F2A28;background:#FBFAF7}"
        "#cp-waiting p{margin:0}@media(prefers-color-scheme:dark)"
        "{#cp-waiting{color:#E8EDE9;background:#121917}}</style>"
        f'<div id="cp-waiting" role="status"><img src="{MARK}" width="44" height="44" alt="">'
        f"<p><strong>{escape(school)}</strong></p><p>{escape(_('Opening …'))}</p></div>"
    )


def escape(text: object) -> str:
    """`text` made safe for HTML, in element content and in quoted attributes."""
    return html.escape(str(text), quote=True)


def plain(text: object) -> str:
    """`text` made safe for labels and other places where Streamlit reads Markdown: it shows as it was typed.

    Links, images, HTML, colour directives, icons, maths and bare addresses stay plain words. Line breaks become
    spaces.
    """
    line = " ".join(str(text).split())
    line = _SPECIAL.sub(r"\\\1", line)
    line = _BLOCK_START.sub(r"\1\\\2" if not line[:1].isdigit() else r"\1\2", line)
    line = re.sub(r"^(\d+)([.)])", r"\1\\\2", line)
    return _ADDRESS.sub(_JOINER, _SHORTCODE.sub(":" + _JOINER, line))


def icon_html(name: str) -> str:
    """A decorative icon for HTML parts, hidden from screen readers; "" for no name."""
    name = icon_name(name)
    return f'<span class="cp-icon" aria-hidden="true" translate="no">{escape(name)}</span>' if name else ""


def icon_name(icon: str) -> str:
    """The bare name of an icon: ":material/flag:" and "flag" both give "flag"."""
    return icon.removeprefix(":material/").removesuffix(":")


def icon_code(icon: str) -> str | None:
    """An icon as Streamlit's `icon=` wants it, ":material/flag:"; None for no name."""
    return f":material/{icon_name(icon)}:" if icon else None


def chip(kind: str, word: str = "") -> str:
    """A state as an HTML chip, icon and word; `word` replaces the usual word."""
    look = mark(kind)
    return (
        f'<span class="cp-chip cp-tone-{look.tone}">{icon_html(look.icon)}'
        f"<span>{escape(word or look.word)}</span></span>"
    )


def chip_label(kind: str, word: str = "") -> str:
    """A state for labels that read Markdown: ":material/check_circle: Completed".

    Buttons, radio, pills, segmented controls and tabs do; st.selectbox and st.multiselect show options as they
    are: give them `chip_text`.
    """
    look = mark(kind)
    return f":material/{look.icon}: {plain(word or look.word)}"


def chip_text(kind: str) -> str:
    """The word of a state alone, for the options of select boxes, for CSV and tooltips."""
    return mark(kind).word
