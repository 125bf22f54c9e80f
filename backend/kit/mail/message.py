"""The body of a letter: paragraphs, lists and links as plain text, and as simple HTML in which names stay names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

# Mail programs know inline styles at most; colours are left to them, so that a dark one stays readable.
_PAGE = "font-family:system-ui,-apple-system,'Segoe UI',sans-serif;line-height:1.5;max-width:36em;margin:0 auto"
_SMALL = "font-size:0.85em;opacity:0.75"


@dataclass(frozen=True)
class Heading:
    words: str


@dataclass(frozen=True)
class Points:
    """A list of short lines."""

    lines: Sequence[str]


@dataclass(frozen=True)
class Link:
    """Words that lead to an address of the school."""

    words: str
    address: str


@dataclass(frozen=True)
class Small:
    """Small print at the end of a letter: why it was sent, and how to unsubscribe."""

    words: str


Part = str | Heading | Points | Link | Small


def as_text(parts: Iterable[Part]) -> str:
    """The letter for programs that show text alone."""
    return "\n\n".join(_text(part) for part in parts) + "\n"


def as_html(parts: Iterable[Part], *, language: str) -> str:
    """The same as HTML. Whatever people wrote is shown as they wrote it, and never taken for markup."""
    body = "\n".join(_html(part) for part in parts)
    return (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        f'<meta name="color-scheme" content="light dark"></head><body><div style="{_PAGE}">\n{body}\n'
        f"</div></body></html>\n"
    )


def _text(part: Part) -> str:
    if isinstance(part, Points):
        return "\n".join(f"- {_flat(line)}" for line in part.lines)
    if isinstance(part, Link):
        return f"{_flat(part.words)}:\n{part.address}"
    return _flat(part.words if isinstance(part, Heading | Small) else part)


def _html(part: Part) -> str:
    if isinstance(part, Heading):
        return f'<h2 style="font-size:1.1em;margin:1.4em 0 0.4em">{escape(part.words)}</h2>'
    if isinstance(part, Points):
        items = "".join(f"<li>{escape(line)}</li>" for line in part.lines)
        return f'<ul style="padding-left:1.2em">{items}</ul>'
    if isinstance(part, Link):
        return f'<p><a href="{escape(part.address)}">{escape(part.words)}</a></p>'
    if isinstance(part, Small):
        return f'<p style="{_SMALL}">{escape(part.words)}</p>'
    return f"<p>{escape(part)}</p>"


def _flat(words: str) -> str:
    """On one line: a name with a line break in it would otherwise write a paragraph of its own."""
    return " ".join(words.split())
