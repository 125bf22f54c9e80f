"""The form of one chapter, new or known. What was typed stays until it is saved, whatever happens meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

import streamlit as st
from msgspec.structs import replace

from backend.chapters.models import FIRST_YEAR, LAST_YEAR, MAX_QUESTIONS, Chapter, ChapterDraft
from backend.errors import ConfirmationNeeded, Conflict, Invalid
from backend.kit.i18n import _, clock_time, ngettext, number
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.shell.idempotency import key_field, once
from pages.widgets.elements import button_row, plain
from pages.widgets.number_field import number_field, whole_number
from pages.widgets.tables import Twin, Value, static_table

NOTICE, ARCHIVED = "catalogue-notice", "catalogue-archived"
_OPEN = "catalogue-form"


@dataclass
class OpenForm:
    """A form on the screen. It is changed in place, so that a run ended by a second click loses nothing."""

    chapter: Chapter | None  # as it was when the form was opened
    key: str  # of its widgets: another opening, other widgets
    now: Chapter | None = None  # as somebody else left it meanwhile
    near: tuple[ChapterDraft, ConfirmationNeeded] | None = None  # what was to be saved, and what is asked first
    done: str = ""  # what was done, in words; then the form is over
    archived_id: str = ""
    is_archiving: bool = False


def open_form(chapter: Chapter | None) -> None:
    """Open the form over the page, for a new chapter (None) or a known one."""
    st.session_state[_OPEN] = OpenForm(chapter, _new_key(chapter))
    title = _("Change the chapter") if chapter else _("Add a chapter")

    @st.dialog(title, width="medium", icon=":material/edit_note:" if chapter else ":material/add:")
    def dialog() -> None:
        draw_form(st.session_state[_OPEN])

    dialog()


def _new_key(chapter: Chapter | None) -> str:
    """Return a key for fresh fields, by whose first part drafts.js knows those of the same chapter again."""
    return f"{chapter.id if chapter else 'new'}-{uuid4().hex[:8]}"


def draw_form(form: OpenForm) -> None:
    """The form as it stands; once its act is done, a run of the whole page takes it away."""
    if form.done:
        _finish(form)
    with noticed():
        draft = _fields(form)
        if draft:
            _save(form, draft)
    if form.near:
        _draw_near(form, *form.near)
    if form.now and form.chapter:
        _draw_conflict(form)
    if form.chapter:
        _draw_archiving(form, form.chapter)


def _finish(form: OpenForm) -> None:
    backend, zone = services.backend(), session.viewer("teacher", "admin").time_zone
    st.session_state[NOTICE] = f"{form.done} · {clock_time(backend.clock.now(), zone)}"
    st.session_state[ARCHIVED] = form.archived_id
    st.rerun()


def _counted(typed: Mapping[str, str], typed_year: str, typed_count: str) -> dict[str, int]:
    """Return the known counts and the new year's.

    Raises Invalid where a field is no number, half of the new year is missing, or it is not new.
    """
    counts = {year: whole_number(year, text, 0, MAX_QUESTIONS) for year, text in typed.items()}
    known = {year: count for year, count in counts.items() if count is not None}
    year = whole_number(_("Another year"), typed_year, FIRST_YEAR, LAST_YEAR)
    count = whole_number(_("Questions in that year"), typed_count, 0, MAX_QUESTIONS)
    if year is None and count is None:
        return known
    if year is None or count is None:
        missing = year if year is not None else "–"
        raise Invalid(_("“Another year” ({year}) needs both the year and its questions.").format(year=missing))
    if str(year) in counts:
        raise Invalid(_("{year} has its own field above: enter its questions there.").format(year=year))
    return known | {str(year): count}


def _fields(form: OpenForm) -> ChapterDraft | None:
    """The fields; what they say when they are sent. Raises Invalid for half a new year."""
    known, facets, key = form.chapter, services.backend().overview.facets(), form.key
    units = [unit for names in facets.units.values() for unit in names]
    with st.form(f"chapter-{key}", border=False, enter_to_submit=False):
        left, right = st.columns(2)
        with left:
            subject = _choice(_("Subject"), facets.subjects, known.subject if known else None, f"subject-{key}")
            unit = _choice(_("Unit"), list(dict.fromkeys(units)), known.unit if known else None, f"unit-{key}")
        with right:
            class_ = _choice(_("Class"), facets.classes, known.class_ if known else None, f"class-{key}")
            name = st.text_input(_("Chapter"), value=known.chapter if known else "", key=f"name-{key}")
        st.caption(_("Questions in past papers. Empty means not known; 0 means none was asked."))
        counts = _counts(form, facets.years)
        new_year = _new_year(key)
        key_field(f"chapter-{key}")
        sent = st.form_submit_button(_("Save chapter") if known else _("Add chapter"), type="primary")
    if not sent:
        return None
    return ChapterDraft(
        subject=subject,
        class_=class_,
        unit=unit,
        chapter=name,
        year_wise_question_count=_counted(counts, *new_year),
    )


def _choice(label: str, options: Sequence[str], value: str | None, key: str) -> str:
    """One of the known ones, or a new one typed in."""
    options = [*options, value] if value and value not in options else list(options)
    return (
        st.selectbox(
            label, options, index=options.index(value) if value else None, key=key, accept_new_options=True,
            placeholder=_("Choose, or type a new one"),
            help=_("For one that is not in the list, type it and press Enter."),
        )
        or ""
    )  # fmt: skip


def _counts(form: OpenForm, years: Sequence[str]) -> dict[str, str]:
    known = dict(form.chapter.year_wise_question_count) if form.chapter else {}
    grid = st.grid(4, min_column_width=110, gap="small")
    return {
        year: number_field(year, value=known.get(year), key=f"year-{year}-{form.key}", at=grid, placeholder="–")
        for year in sorted({*years, *known})
    }


def _new_year(key: str) -> tuple[str, str]:
    left, right = st.columns(2)
    hint = _("Such as {year}").format(year=2026)
    year = number_field(_("Another year"), key=f"new-year-{key}", at=left, placeholder=hint)
    count = number_field(_("Questions in that year"), key=f"new-count-{key}", at=right, placeholder="–")
    return year, count


def _save(form: OpenForm, draft: ChapterDraft, *, confirm: bool = False) -> None:
    form.near = None
    try:
        _write(form, draft, confirm=confirm)
    except ConfirmationNeeded as question:
        form.near = (draft, question)
        return
    if form.done:
        _finish(form)


def _draw_near(form: OpenForm, draft: ChapterDraft, question: ConfirmationNeeded) -> None:
    """A name that is near one of the catalogue: which of them is meant, or is it new?"""
    st.warning(plain(question.message), icon=":material/help:")
    facts = question.details or {}
    with button_row("near"):
        for name in facts.get("candidates", ()):
            if st.button(plain(_("Use “{name}”").format(name=name)), key=f"near-{form.key}-{name}"):
                with noticed():
                    attribute = {"class": "class_"}.get(facts["field"], facts["field"])
                    _save(form, replace(draft, **{attribute: name}))
        if st.button(_("Save as a new one"), key=f"near-new-{form.key}"):
            with noticed():
                _save(form, draft, confirm=True)


def _write(form: OpenForm, draft: ChapterDraft, *, confirm: bool) -> None:
    chapters, viewer = services.backend().chapters, session.viewer("teacher", "admin")
    if form.chapter is None:
        once(
            f"chapter-{form.key}",
            lambda: chapters.create(viewer, draft, confirm=confirm),
            *(draft, confirm),
            lost=lambda: None,
        )
        form.done = _("Added: {name}").format(name=draft.chapter.strip())
        return
    known, seen = form.chapter, form.now or form.chapter
    try:
        once(
            f"chapter-{form.key}",
            lambda: chapters.edit(viewer, known.id, draft, version=seen.version, confirm=confirm),
            *(draft, seen.version, confirm),
            lost=lambda: None,
        )
        form.done = _("Saved: {name}").format(name=draft.chapter.strip())
    except Conflict as error:
        if error.code != "stale":
            raise
        form.now = chapters.get(form.chapter.id)


def _draw_conflict(form: OpenForm) -> None:
    """Show another person's changes; the reader's own input stays in the form."""
    now = form.now
    if now is None:
        return
    words = _(
        "Somebody else changed this chapter meanwhile. Your input is still above and is not saved yet. "
        "Save again to replace their version, or use theirs."
    )
    st.warning(words, icon=":material/group:")
    rows = _differences(form.chapter, now)
    if rows:
        static_table(Twin(_("What they changed"), [_("Field"), _("Before"), _("Now")], rows))
    if st.button(_("Use theirs"), key=f"theirs-{form.key}", icon=":material/undo:"):
        form.chapter, form.now, form.key = now, None, _new_key(now)
        st.rerun(scope="fragment")


def _differences(before: Chapter | None, now: Chapter) -> list[list[Value]]:
    if before is None:
        return []
    pairs = [
        (_("Subject"), before.subject, now.subject),
        (_("Class"), before.class_, now.class_),
        (_("Unit"), before.unit, now.unit),
        (_("Chapter"), before.chapter, now.chapter),
    ]
    rows: list[list[Value]] = [[field, old, new] for field, old, new in pairs if old != new]
    old_counts, new_counts = before.year_wise_question_count, now.year_wise_question_count
    for year in sorted({*old_counts, *new_counts}):
        if old_counts.get(year) != new_counts.get(year):
            rows.append([year, old_counts.get(year), new_counts.get(year)])
    return rows


def _draw_archiving(form: OpenForm, chapter: Chapter) -> None:
    """Taking the chapter out of the syllabus, asked in the same dialog."""
    if not form.is_archiving:
        if st.button(_("Archive this chapter"), key=f"archive-{form.key}", icon=":material/archive:", type="tertiary"):
            form.is_archiving = True
            st.rerun(scope="fragment")
        return
    st.warning(plain(_archive_question(chapter)), icon=":material/archive:")
    with button_row("archive"):
        if st.button(_("Archive"), type="primary", key=f"archive-yes-{form.key}"):
            with noticed():
                viewer, chapters = session.viewer("teacher", "admin"), services.backend().chapters
                once(f"archive-{form.key}", lambda: chapters.archive(viewer, chapter.id), chapter.id, lost=lambda: None)
                form.done, form.archived_id = _("Archived: {name}").format(name=chapter.chapter), chapter.id
                _finish(form)
        if st.button(_("Keep it"), key=f"archive-no-{form.key}"):
            form.is_archiving = False
            st.rerun(scope="fragment")


def _archive_question(chapter: Chapter) -> str:
    viewer = session.viewer("teacher", "admin")
    count = services.backend().statistics.chapter(viewer, chapter.id).students
    kept = ngettext(
        "The progress of {count} learner on it is kept and returns with it.",
        "The progress of {count} learners on it is kept and returns with it.",
        count,
    ).format(count=number(count))
    asked = _("Remove “{name}” from the syllabus of the whole school? You can bring it back at any time.")
    return f"{asked.format(name=chapter.chapter)} {kept}"
