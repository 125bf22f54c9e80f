"""The catalogue that the project ships: the facts of the JEE Main chapters, in our own form."""

from pathlib import Path

from backend.chapters.files import parse
from backend.chapters.models import ChapterDraft

_FILE = Path(__file__).parent / "data" / "jee_main.json"


def catalogue() -> tuple[ChapterDraft, ...]:
    """The shipped chapters in syllabus order. Raises ValueError where the shipped file has a row with a problem."""
    drafts = []
    for row in parse(_FILE.name, _FILE.read_bytes()).rows:
        if row.draft is None:
            raise ValueError(f"{_FILE.name}, chapter {row.row}: {row.problem}")
        drafts.append(row.draft)
    return tuple(drafts)
