"""Parts common to the reports of both imports: notes on the file, and its rows."""

from collections.abc import Sequence

import streamlit as st

from backend.chapters.models import FieldChange, ImportReport, ImportRow, Outcome
from backend.kit.i18n import _, listing, number
from pages.widgets.marks import mark
from pages.widgets.style import chip, escape, icon_html

KINDS = {Outcome.ADDED: "ok", Outcome.UPDATED: "info", Outcome.UNCHANGED: "unchanged", Outcome.FAILED: "error"}
_NAMED_FIELDS = 10


def outcome_words(outcome: Outcome) -> str:
    """Return the outcome of a row in the words of its chip and the filters."""
    return {
        Outcome.ADDED: _("Added"),
        Outcome.UPDATED: _("Updated"),
        Outcome.UNCHANGED: _("Unchanged"),
        Outcome.FAILED: _("Failed"),
    }[outcome]


def draw_notes(report: ImportReport) -> None:
    """Draw the notes on the whole file: how it was read, and which fields were not read."""
    notes = list(report.notes)
    if report.ignored_fields:
        names = listing([f"“{name}”" for name in report.ignored_fields[:_NAMED_FIELDS]])
        more = "…" if len(report.ignored_fields) > _NAMED_FIELDS else ""
        notes.append(_("Not read, because the columns are unknown: {names}").format(names=names + more))
    if notes:
        items = "".join(f"<li>{icon_html('info')}<span>{escape(note)}</span></li>" for note in notes)
        st.html(f'<ul class="cp-report-notes">{items}</ul>')


def draw_rows(rows: Sequence[ImportRow], label: str) -> None:
    """Draw the rows as a list: outcome, chapter, what it changes, place in the file. A failed one begins with its
    reason."""
    if rows:
        items = "".join(_row_html(row) for row in rows)
        st.html(f'<ul class="cp-report" role="list" aria-label="{escape(label)}">{items}</ul>')


def place(row: ImportRow) -> str:
    """Return the place of a row in the file, in words."""
    if row.sheet:
        return _("Row {row}, {sheet}").format(row=number(row.row), sheet=row.sheet)
    return _("Row {row}").format(row=number(row.row))


def _row_html(row: ImportRow) -> str:
    changes = "".join(f"<li>{_change_html(change)}</li>" for change in row.changes)
    about = " · ".join(part for part in (row.subject, row.class_, row.unit) if part)
    name = (
        f"<p><strong>{escape(row.chapter or _('No chapter named'))}</strong>"
        f"{f' <span>{escape(about)}</span>' if about else ''}</p>"
    )
    reason = f"<p>{escape(row.reason)}</p>" if row.reason else ""
    said = (
        reason + name if row.outcome is Outcome.FAILED else name + (f"<ul>{changes}</ul>" if changes else "") + reason
    )
    return (
        f'<li class="cp-report-row">{chip(KINDS[row.outcome], outcome_words(row.outcome))}'
        f'<div class="cp-report-said">{said}</div>'
        f'<span class="cp-report-place">{escape(place(row))}</span></li>'
    )


def _change_html(change: FieldChange) -> str:
    if change.field == "archivedAt":
        return escape(_("Brought back from the archive"))
    names = {
        "status": _("Status"),
        "questionSolved": _("Questions solved"),
        "isWeakChapter": _("Weak"),
        "subject": _("Subject"),
        "class": _("Class"),
        "unit": _("Unit"),
        "chapter": _("Chapter"),
    }
    name = names.get(change.field, change.field)  # a year is its own name
    before, after = (_value(change.field, value) for value in (change.before, change.after))
    return f"{escape(name)}: <s>{escape(before)}</s> → <b>{escape(after)}</b>"


def _value(field: str, value: str | int | bool | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int):
        return number(value)
    return mark(value).word if field == "status" else value
