"""The plan of an import, row by row: shown by a dry run, carried out by an import.

Writes nothing."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from backend.chapters.exam_years import exam_years
from backend.chapters.matching import NAME_FIELDS, NameMatcher, Scope, candidates_words, in_order, scope_of
from backend.chapters.models import (
    CatalogueStep,
    Chapter,
    ChapterDraft,
    ChapterFile,
    FieldChange,
    FileRow,
    ImportOptions,
    ImportReport,
    ImportRow,
    NameField,
    NameQuestion,
    Outcome,
    name_key,
)
from backend.chapters.same_chapter import shared
from backend.kit.i18n import _, listing, ngettext, number
from backend.kit.model import Shape
from backend.kit.mongo.client import new_id

Key = tuple[str, str, str, str]
Questions = dict[tuple[Scope, str], NameQuestion]


class PlannedRow(Shape, frozen=True, kw_only=True):
    """A row of the report with what writing it needs: the draft, and the chapter it updates."""

    report: ImportRow
    draft: ChapterDraft | None = None
    twin: Chapter | None = None

    @property
    def is_written(self) -> bool:
        return self.report.outcome in (Outcome.ADDED, Outcome.UPDATED)


class ImportPlan(Shape, frozen=True, kw_only=True):
    """All that an import does. Two plans with the same fingerprint write the same to the same chapters."""

    rows: tuple[PlannedRow, ...]
    questions: tuple[NameQuestion, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def written(self) -> tuple[PlannedRow, ...]:
        """The rows that change something, in the order of the file."""
        return tuple(row for row in self.rows if row.is_written)

    @property
    def fingerprint(self) -> str:
        """The hash by which a caller asks that exactly this plan is carried out."""
        facts = [(row.draft, row.twin and (row.twin.id, row.twin.version)) for row in self.written]
        return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:32]


def plan(file: ChapterFile, catalogue: Sequence[Chapter], options: ImportOptions, this_year: int) -> ImportPlan:
    """Each row's outcome against the catalogue (archived chapters included). Raises Invalid for a choice of no name."""
    known = {chapter.key: chapter for chapter in catalogue}
    matcher = NameMatcher(in_order(catalogue), options.choices)
    questions: Questions = {}
    units = {_without_unit(chapter): chapter.unit for chapter in reversed(catalogue)}
    rows = [_matched(row, matcher, known, questions) for row in file.rows]
    planned = [_plan_row(row, known, units, options) for row in _taken_together(rows)]
    years = _odd_years(planned, catalogue, this_year)
    return ImportPlan(
        rows=tuple(_with_odd_years(row, years) for row in planned),
        questions=tuple(questions.values()),
        notes=tuple(_year_notes(years, this_year)),
    )


def steps(planned: ImportPlan, at: datetime) -> list[CatalogueStep]:
    """Return the steps that carry the plan out, one per chapter, in the order of the file."""
    return [
        CatalogueStep(
            before=row.twin, after=_updated(row.twin, row.draft, at) if row.twin else new_chapter(row.draft, at)
        )
        for row in planned.written
        if row.draft
    ]


def new_chapter(draft: ChapterDraft, at: datetime) -> Chapter:
    """Return a new chapter of this draft."""
    return Chapter(
        id=new_id(),
        question_total=sum(draft.year_wise_question_count.values()),
        version=1,
        created_at=at,
        updated_at=at,
        **_draft_fields(draft),
    )


def _updated(twin: Chapter, draft: ChapterDraft, at: datetime) -> Chapter:
    return replace(
        twin,
        question_total=sum(draft.year_wise_question_count.values()),
        version=twin.version + 1,
        updated_at=at,
        archived_at=None,
        **_draft_fields(draft),
    )


def _draft_fields(draft: ChapterDraft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in ChapterDraft.__struct_fields__}


def report(
    file: ChapterFile, rows: Iterable[ImportRow], *, dry_run: bool, of: ImportPlan | None = None
) -> ImportReport:
    """The report with its counts; `of` is the plan that it tells of, where there is one."""
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
        notes=(*file.notes, *(of.notes if of else ())),
        has_own_progress=any(row.own for row in file.rows),
        years_deleted=sum(_is_deletion(change) for row in rows for change in row.changes),
        questions=of.questions if of else (),
        plan=of.fingerprint if of else "",
    )


def ref(row: FileRow) -> str:
    """How a row is called when something is chosen for it: its number, after its sheet where there are several."""
    return f"{row.sheet}!{row.row}" if row.sheet else str(row.row)


def named(
    row: FileRow,
    outcome: Outcome,
    reason: str = "",
    chapter: Chapter | None = None,
    changes: tuple[FieldChange, ...] = (),
) -> ImportRow:
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
        changes=changes,
    )


def _matched(row: FileRow, matcher: NameMatcher, known: Mapping[Key, Chapter], questions: Questions) -> FileRow:
    """The row with its names as the catalogue writes them, or with the question that its names raise."""
    if row.problem or row.draft is None:
        return row
    draft = row.draft
    twin = known.get(draft.key)
    if twin:
        names = {"subject": twin.subject, "class_": twin.class_, "unit": twin.unit}
        return replace(row, draft=replace(draft, **names))
    for field, attribute in NAME_FIELDS.items():
        found = matcher.match(field, draft)
        if found.candidates:  # which unit or chapter is meant cannot be told before the names around it are known
            _ask(questions, field, draft, found.candidates)
            return replace(row, problem=_near_words(field, found.name, found.candidates))
        draft = replace(draft, **{attribute: found.name})
    return replace(row, draft=draft)


def _ask(questions: Questions, field: NameField, draft: ChapterDraft, candidates: tuple[str, ...]) -> None:
    name = getattr(draft, NAME_FIELDS[field])
    key = scope_of(field, draft), name
    before = questions.get(key)
    questions[key] = NameQuestion(
        field=field,
        value=name,
        subject=draft.subject if field in ("unit", "chapter") else "",
        class_=draft.class_ if field == "chapter" else "",
        unit=draft.unit if field == "chapter" else "",
        candidates=candidates,
        rows=(before.rows if before else 0) + 1,
    )


def _near_words(field: NameField, name: str, candidates: Sequence[str]) -> str:
    return _("“{column}”: “{value}” may be {names}. Choose which is meant, or that it is new.").format(
        column=field, value=name, names=candidates_words(candidates)
    )


def _taken_together(rows: Sequence[FileRow]) -> Iterator[FileRow]:
    """The rows; of those for one chapter, the first has the years of all, unless they contradict each other."""
    found = shared(rows, [row.draft.key if row.draft and not row.problem else None for row in rows], _counts)
    for at, row in enumerate(rows):
        if at in found.problems:
            yield replace(row, problem=found.problems[at])
        elif at in found.notes:
            yield replace(row, notes=(*row.notes, found.notes[at]), is_repeated=True)
        elif row.draft and at in found.values:
            counts = dict(sorted(found.values[at].items()))
            yield replace(row, draft=replace(row.draft, year_wise_question_count=counts))
        else:
            yield row


def _counts(row: FileRow) -> Mapping[str, int]:
    return row.draft.year_wise_question_count if row.draft else {}


def _without_unit(draft: ChapterDraft) -> tuple[str, str, str]:
    return name_key(draft.subject), name_key(draft.class_), name_key(draft.chapter)


def _plan_row(
    row: FileRow, known: Mapping[Key, Chapter], units: Mapping[tuple[str, str, str], str], options: ImportOptions
) -> PlannedRow:
    if row.problem or row.draft is None:
        return PlannedRow(report=named(row, Outcome.FAILED, row.problem or ""))
    twin = known.get(row.draft.key)
    if row.is_repeated:
        return PlannedRow(report=named(row, Outcome.UNCHANGED, chapter=twin))
    if twin is None:
        unit = units.get(_without_unit(row.draft))
        said = _("There is a chapter of this name in the unit “{unit}”.").format(unit=unit) if unit else ""
        return PlannedRow(report=named(row, Outcome.ADDED, said), draft=row.draft)
    draft = replace(row.draft, year_wise_question_count=_merged(row.draft, twin, options))
    changes = differences(twin, draft)
    if not changes:
        return PlannedRow(report=named(row, Outcome.UNCHANGED, chapter=twin))
    return PlannedRow(report=named(row, Outcome.UPDATED, "", twin, changes), draft=draft, twin=twin)


def _merged(draft: ChapterDraft, twin: Chapter, options: ImportOptions) -> dict[str, int]:
    """The years of the file over the known ones; only where it is asked for, those that the row leaves out go."""
    given = draft.year_wise_question_count
    known = {} if options.replace_years and given else twin.year_wise_question_count
    return dict(sorted({**known, **given}.items()))


def differences(before: Chapter, after: ChapterDraft) -> tuple[FieldChange, ...]:
    """Return the changes of an update, field by field; an archived chapter comes back."""
    pairs: list[tuple[str, str | int | None, str | int | None]] = [
        ("subject", before.subject, after.subject),
        ("class", before.class_, after.class_),
        ("unit", before.unit, after.unit),
        ("chapter", before.chapter, after.chapter),
        ("archivedAt", before.archived_at.isoformat() if before.archived_at else None, None),
    ]
    old, new = before.year_wise_question_count, after.year_wise_question_count
    pairs += [(year, old.get(year), new.get(year)) for year in sorted({*old, *new})]
    return tuple(FieldChange(field=field, before=was, after=now) for field, was, now in pairs if was != now)


def _is_deletion(change: FieldChange) -> bool:
    return change.field.isdecimal() and change.after is None


def _odd_years(planned: Iterable[PlannedRow], catalogue: Iterable[Chapter], this_year: int) -> dict[int, int]:
    """Years that these rows bring and that will not count as exam years, with the number of rows that have each."""
    chapters: dict[Key, ChapterDraft] = {each.key: each for each in catalogue if each.archived_at is None}
    brought: dict[int, int] = {}
    for row in planned:
        if row.draft and row.is_written:
            chapters[row.draft.key] = row.draft
            before = row.twin.year_wise_question_count if row.twin else {}
            for year in {*row.draft.year_wise_question_count} - {*before}:
                brought[int(year)] = brought.get(int(year), 0) + 1
    counting = exam_years(chapters.values(), this_year)
    return {year: rows for year, rows in sorted(brought.items()) if year not in counting}


def _with_odd_years(row: PlannedRow, years: Mapping[int, int]) -> PlannedRow:
    if not (row.draft and row.is_written):
        return row
    odd = [year for year in years if str(year) in row.draft.year_wise_question_count]
    if not odd:
        return row
    words = _("Check {years}: not counted as an exam year.").format(years=listing(list(map(str, odd))))
    return replace(row, report=replace(row.report, reason=f"{row.report.reason} {words}".strip()))


def _year_notes(years: Mapping[int, int], this_year: int) -> Iterator[str]:
    for year, rows in years.items():
        if year > this_year:
            said = ngettext(
                "{year} is in the future, and {count} row has it. Until then it changes no recent figure.",
                "{year} is in the future, and {count} rows have it. Until then it changes no recent figure.",
                rows,
            )
        else:
            said = ngettext(
                "{count} row brings {year}, which few chapters have: it counts once half of the syllabus has it.",
                "{count} rows bring {year}, which few chapters have: it counts once half of the syllabus has it.",
                rows,
            )
        yield said.format(year=year, count=number(rows))
