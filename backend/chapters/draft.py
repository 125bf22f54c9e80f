"""Validation of a chapter: the rules that the form, the API and (row by row) the importer share."""

from collections.abc import Mapping

from backend.chapters.models import (
    FIRST_YEAR,
    LAST_YEAR,
    MAX_QUESTIONS,
    SUBJECT_LENGTH,
    TEXT_LENGTH,
    ChapterDraft,
)
from backend.chapters.names import class_name
from backend.errors import Invalid
from backend.kit.i18n import _
from backend.kit.unicode_text import shows_something, tidied, unwritable


def checked(draft: ChapterDraft) -> ChapterDraft:
    """The draft with its names tidied as an import tidies them. Raises Invalid naming the field."""
    return ChapterDraft(
        subject=_text(draft.subject, _("Subject"), SUBJECT_LENGTH),
        class_=class_name(_text(draft.class_, _("Class"), SUBJECT_LENGTH)),
        unit=_text(draft.unit, _("Unit"), TEXT_LENGTH),
        chapter=_text(draft.chapter, _("Chapter"), TEXT_LENGTH),
        year_wise_question_count=_counts(draft.year_wise_question_count),
    )


def _text(value: str, field: str, length: int) -> str:
    text = tidied(value)
    if not text:
        raise Invalid(_("{field} is missing.").format(field=field))
    if len(text) > length:
        raise Invalid(_("{field} is longer than {count} characters.").format(field=field, count=length))
    if unwritable(text) or not shows_something(text):
        raise Invalid(_("{field} has characters that cannot be shown.").format(field=field))
    return text


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    for year, count in counts.items():
        if not (year.isascii() and year.isdigit() and str(int(year)) == year and FIRST_YEAR <= int(year) <= LAST_YEAR):
            raise Invalid(
                _("“{year}” is not an exam year between {first} and {last}.").format(
                    year=year[:20], first=FIRST_YEAR, last=LAST_YEAR
                )
            )
        if not 0 <= count <= MAX_QUESTIONS:
            raise Invalid(_("The count for {year} must be between 0 and {most}.").format(year=year, most=MAX_QUESTIONS))
    return {year: counts[year] for year in sorted(counts)}
