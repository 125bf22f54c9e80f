"""Chapters and progress made by hand, for the rules that need no database."""

from datetime import UTC, datetime

from backend.chapters.models import Chapter, Status
from backend.progress.models import Progress

THEN = datetime(2026, 1, 1, tzinfo=UTC)


def chapter(name: str, *, subject: str = "Physics", unit: str = "Mechanics", **counts: int) -> Chapter:
    """A chapter whose counts are given as y2024=3."""
    years = {key.removeprefix("y"): count for key, count in counts.items()}
    return Chapter(
        id=name.casefold().replace(" ", "-"),
        subject=subject,
        class_="Class 11",
        unit=unit,
        chapter=name,
        year_wise_question_count=years,
        question_total=sum(years.values()),
        version=1,
        created_at=THEN,
        updated_at=THEN,
    )


def progress(of: Chapter, status: Status = "In Progress", solved: int = 0, *, weak: bool = False) -> Progress:
    return Progress(chapter_id=of.id, status=status, question_solved=solved, is_weak_chapter=weak, version=1)
