"""Deciding, row by row, what a list of one's own would do to a student's records. Pure: writes nothing."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from backend.chapters.finder import ChapterFinder, Finding
from backend.chapters.importing import named, ref
from backend.chapters.models import (
    Chapter,
    ChapterFile,
    FieldChange,
    FileRow,
    ImportRow,
    Outcome,
    OwnChange,
    OwnProgress,
)
from backend.chapters.same_chapter import shared
from backend.errors import Invalid
from backend.kit.i18n import _, listing
from backend.kit.model import Shape
from backend.kit.unicode_text import comparison_key
from backend.progress import rules
from backend.progress.models import Progress, ProgressChange

LEFT_OUT = ""  # chosen for a row that means no chapter
_ROWS_WITH_OFFERS = 500
_NAMED_CHOICES = 5

Choices = Mapping[str, str]  # what each doubtful row means: its `ref` → a chapter's id, or LEFT_OUT


class OwnPlan(Shape, frozen=True, kw_only=True):
    """The report's rows in the order of the file, and what is to be saved by chapter id."""

    rows: tuple[ImportRow, ...]
    changes: dict[str, ProgressChange]


def plan(file: ChapterFile, chapters: Iterable[Chapter], records: Mapping[str, Progress], choices: Choices) -> OwnPlan:
    """Return the changes of the list; a field that a row does not give stays. Raises Invalid for a choice of no row."""
    chapters = tuple(chapters)
    _refuse_strange(choices, file.rows)
    found = _found(file, chapters, choices)
    ids = [each.chapter.id if each.chapter and row.own else None for row, each in zip(file.rows, found, strict=True)]
    together = shared(file.rows, ids, _said)
    planned: list[ImportRow] = []
    changes: dict[str, ProgressChange] = {}
    for at, (row, finding) in enumerate(zip(file.rows, found, strict=True)):
        chapter = finding.chapter
        if not chapter or not row.own:
            planned.append(_unmatched(row, finding, choices))
        elif at in together.problems:
            planned.append(named(row, Outcome.FAILED, together.problems[at], chapter))
        elif at in together.notes:
            planned.append(named(row, Outcome.UNCHANGED, together.notes[at], chapter))
        else:
            own = OwnChange(**together.values[at])
            report, change = _changed(replace(row, own=own), chapter, records.get(chapter.id))
            planned.append(report)
            changes |= {chapter.id: change} if change else {}
    return OwnPlan(rows=tuple(planned), changes=changes)


def _found(file: ChapterFile, chapters: tuple[Chapter, ...], choices: Choices) -> list[Finding]:
    finder, by_id = ChapterFinder(chapters), {chapter.id: chapter for chapter in chapters}
    found: list[Finding] = []
    offers = 0
    for row in file.rows:
        chosen = choices.get(ref(row))
        if row.problem or not row.own or chosen == LEFT_OUT:
            found.append(Finding())
        elif chosen is not None:
            found.append(Finding(chapter=by_id.get(chosen)))
        else:
            found.append(finder.find(row.names, offer=offers < _ROWS_WITH_OFFERS))
            offers += found[-1].chapter is None
    return found


def _said(row: FileRow) -> dict[str, object]:
    """Return the values that a row gives, by field."""
    own = row.own or OwnChange()
    return {name: value for name in own.__struct_fields__ if (value := getattr(own, name)) is not None}


def _refuse_strange(choices: Choices, rows: Iterable[FileRow]) -> None:
    strange = sorted(choices.keys() - {ref(row) for row in rows})
    if strange:
        raise Invalid(
            _("The file has no such row: {rows}.").format(rows=listing([row[:40] for row in strange[:_NAMED_CHOICES]]))
        )


def _unmatched(row: FileRow, finding: Finding, choices: Choices) -> ImportRow:
    if row.problem:
        return named(row, Outcome.FAILED, row.problem)
    chosen = choices.get(ref(row))
    if chosen == LEFT_OUT:
        return named(row, Outcome.UNCHANGED, _("It is left out, as you chose."))
    if not row.own:
        return named(row, Outcome.UNCHANGED, _("It gives no status, questions solved or weak mark."))
    if chosen is not None:
        return named(row, Outcome.FAILED, _("The chapter that you chose is not in the syllabus."))
    if not finding.candidates:
        return named(row, Outcome.FAILED, _("The syllabus has no such chapter."))
    report = named(row, Outcome.FAILED, _("It is not certain which chapter is meant. Choose one."))
    return replace(report, candidates=finding.candidates)


def _changed(row: FileRow, chapter: Chapter, record: Progress | None) -> tuple[ImportRow, ProgressChange | None]:
    assert row.own is not None  # noqa: S101 # only rows that say something are planned
    before = rules.own(record) if record else OwnProgress()
    change = ProgressChange(
        status=row.own.status,
        question_solved=row.own.question_solved,
        is_weak_chapter=row.own.is_weak_chapter,
        version=record.version if record else 0,
    )
    try:
        after = rules.changed(before, change)
    except Invalid as refusal:
        return named(row, Outcome.FAILED, refusal.message, chapter), None
    if before == after:
        return named(row, Outcome.UNCHANGED, chapter=chapter), None
    outcome = Outcome.UPDATED if record else Outcome.ADDED
    report = named(row, outcome, _differences_of_name(row, chapter), chapter)
    return replace(report, changes=_field_changes(before, after), **_names(chapter)), change


def _field_changes(before: OwnProgress, after: OwnProgress) -> tuple[FieldChange, ...]:
    fields = (
        FieldChange(field="status", before=before.status, after=after.status),
        FieldChange(field="questionSolved", before=before.question_solved, after=after.question_solved),
        FieldChange(field="isWeakChapter", before=before.is_weak_chapter, after=after.is_weak_chapter),
    )
    return tuple(field for field in fields if field.before != field.after)


def _names(chapter: Chapter) -> dict[str, str]:
    return {
        "subject": chapter.subject,
        "class_": chapter.class_,
        "unit": chapter.unit,
        "chapter": chapter.chapter,
    }


def _differences_of_name(row: FileRow, chapter: Chapter) -> str:
    """Return a note on the names that the file writes differently from the chapter; "" if there are none."""
    pairs = ((row.names.chapter, chapter.chapter), (row.names.unit, chapter.unit))
    other = [said for said, known in pairs if said and comparison_key(said) != comparison_key(known)]
    return _("The file says {names}.").format(names=listing([f"“{name}”" for name in other])) if other else ""
