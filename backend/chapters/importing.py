"""Deciding, row by row, what a chapter file would do to the catalogue. Writes nothing."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from backend.chapters.models import (
    Chapter,
    ChapterDraft,
    ChapterFile,
    FileRow,
    ImportReport,
    ImportRow,
    Outcome,
)
from backend.kit.i18n import _
from backend.kit.model import Shape

Key = tuple[str, str, str, str]


class PlannedRow(Shape, frozen=True, kw_only=True):
    """A row of the report with what writing it needs: the draft, and the chapter it updates."""

    report: ImportRow
    draft: ChapterDraft | None = None
    twin: Chapter | None = None


def plan(file: ChapterFile, known: Mapping[Key, Chapter]) -> tuple[PlannedRow, ...]:
    """Each row's outcome against the catalogue `known` (archived chapters included)."""
    seen: set[Key] = set()
    planned = []
    for row in file.rows:
        repeated = row.draft is not None and row.draft.key in seen
        if row.draft:
            seen.add(row.draft.key)
        planned.append(_plan_row(row, known, repeated=repeated))
    return tuple(planned)


def to_add(planned: Iterable[PlannedRow]) -> list[ChapterDraft]:
    return [row.draft for row in planned if row.draft and row.report.outcome is Outcome.ADDED]


def to_update(planned: Iterable[PlannedRow]) -> list[tuple[Chapter, ChapterDraft]]:
    return [
        (row.twin, row.draft) for row in planned if row.draft and row.twin and row.report.outcome is Outcome.UPDATED
    ]


def report(file: ChapterFile, rows: Iterable[ImportRow], *, dry_run: bool) -> ImportReport:
    """The report with its counts."""
    rows = tuple(rows)
    count = {outcome: sum(row.outcome is outcome for row in rows) for outcome in Outcome}
    return ImportReport(
        dry_run=dry_run,
        added=count[Outcome.ADDED],
        updated=count[Outcome.UPDATED],
        unchanged=count[Outcome.UNCHANGED],
        failed=count[Outcome.FAILED],
        rows=rows,
        ignored_fields=file.ignored_fields,
        notes=file.notes,
        has_own_progress=any(row.own for row in file.rows),
    )


def ref(row: FileRow) -> str:
    """How a row is called when something is chosen for it: its number, after its sheet where there are several."""
    return f"{row.sheet}!{row.row}" if row.sheet else str(row.row)


def named(row: FileRow, outcome: Outcome, reason: str = "", chapter: Chapter | None = None) -> ImportRow:
    """A row of the report, with the names as the file has them."""
    names = row.draft or row.names
    return ImportRow(
        row=row.row,
        sheet=row.sheet,
        ref=ref(row),
        outcome=outcome,
        reason=" ".join(part for part in (reason, *row.notes) if part),
        chapter_id=chapter.id if chapter else None,
        subject=names.subject,
        class_=names.class_,
        unit=names.unit,
        chapter=names.chapter,
    )


def _plan_row(row: FileRow, known: Mapping[Key, Chapter], *, repeated: bool) -> PlannedRow:
    if row.problem or row.draft is None:
        return PlannedRow(report=named(row, Outcome.FAILED, row.problem or ""))
    twin = known.get(row.draft.key)
    if repeated:
        return PlannedRow(report=named(row, Outcome.UNCHANGED, chapter=twin))
    if twin is None:
        return PlannedRow(report=named(row, Outcome.ADDED), draft=row.draft)
    draft = _with_known_counts(row.draft, twin)
    differences = _differences(twin, draft)
    if not differences:
        return PlannedRow(report=named(row, Outcome.UNCHANGED, chapter=twin))
    return PlannedRow(report=named(row, Outcome.UPDATED, differences, twin), draft=draft, twin=twin)


def _with_known_counts(draft: ChapterDraft, twin: Chapter) -> ChapterDraft:
    """A file without year counts says nothing of them, so what is known stays."""
    return (
        draft
        if draft.year_wise_question_count
        else replace(draft, year_wise_question_count=twin.year_wise_question_count)
    )


def _differences(twin: Chapter, draft: ChapterDraft) -> str:
    """What an update would change, in words; empty where nothing differs."""
    said = []
    if twin.archived_at is not None:
        said.append(_("It is brought back from the archive."))
    if (twin.subject, twin.class_, twin.unit, twin.chapter) != (
        draft.subject,
        draft.class_,
        draft.unit,
        draft.chapter,
    ):
        said.append(_("Its name is spelt differently."))
    if dict(twin.year_wise_question_count) != dict(draft.year_wise_question_count):
        years = sorted(set(twin.year_wise_question_count.items()) ^ set(draft.year_wise_question_count.items()))
        said.append(_("Counts differ for {years}.").format(years=", ".join(sorted({year for year, _count in years}))))
    return " ".join(said)
