"""A chapter in words and links, as several pages say it."""

from urllib.parse import quote

from backend.chapters.models import Chapter
from backend.kit.i18n import _, ngettext, number
from backend.progress.models import ChapterRow


def chapter_path(chapter: Chapter) -> str:
    """Return the address of the chapter's page, for links."""
    return f"chapter?id={quote(chapter.id)}"


def place_words(chapter: Chapter) -> str:
    """ "Physics · Mechanics 1"."""
    return f"{chapter.subject} · {chapter.unit}"


def solved_words(row: ChapterRow) -> str:
    """ "12 of 39 past questions solved"; without past papers, how many were solved."""
    solved = row.own.question_solved if row.own else 0
    if row.chapter.question_total == 0:
        return ngettext("{count} question solved", "{count} questions solved", solved).format(count=number(solved))
    return _("{done} of {all} past questions solved").format(
        done=number(solved), all=number(row.chapter.question_total)
    )


def question_words(count: int) -> str:
    """ "12 questions"."""
    return ngettext("{count} question", "{count} questions", count).format(count=number(count))
