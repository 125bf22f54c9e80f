"""Learners × chapters with a footer, built from records that were read. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from backend.chapters.models import Chapter, OwnProgress
from backend.classrooms.models import MatrixColumn, MatrixRow, Member

Records = Mapping[str, Mapping[str, OwnProgress]]  # by student, then by chapter


def rows(members: Iterable[Member], chapters: Sequence[Chapter], records: Records) -> tuple[MatrixRow, ...]:
    """Return a row per learner; a cell is None if the learner never worked on the chapter."""
    return tuple(
        MatrixRow(
            id=member.id,
            name=member.name,
            cells=tuple(records.get(member.id, {}).get(chapter.id) for chapter in chapters),
        )
        for member in members
    )


def columns(members: Iterable[Member], chapters: Sequence[Chapter], records: Records) -> tuple[MatrixColumn, ...]:
    """A column per chapter with how many of the learners stand where."""
    members = tuple(members)
    return tuple(
        _column(chapter, [records.get(member.id, {}).get(chapter.id) for member in members]) for chapter in chapters
    )


def _column(chapter: Chapter, cells: Sequence[OwnProgress | None]) -> MatrixColumn:
    touched = [cell for cell in cells if cell]
    return MatrixColumn(
        chapter=chapter,
        completed=sum(cell.status == "Completed" for cell in touched),
        in_progress=sum(cell.status == "In Progress" for cell in touched),
        weak=sum(cell.is_weak_chapter for cell in touched),
    )
