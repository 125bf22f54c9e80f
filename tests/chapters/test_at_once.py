"""What holds when the catalogue changes while others save, edit or import; and names that look alike."""

import json
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.chapters.models import Chapter, ChapterDraft
from backend.errors import Conflict
from backend.kit.mongo.client import new_id
from backend.progress.models import ProgressChange, Saved
from tests.at_once import at_once
from tests.progress.recount import recounted, stands
from tests.school import School

ALIKE = ("Atoms", "ＡＴＯＭＳ", "A\u200dtoms", "atoms", "Ⓐtoms")


@pytest.mark.parametrize("is_begun", [False, True], ids=["a first record", "another change"])
def test_a_save_meets_the_archiving_of_its_chapter(
    backend: Backend, school: School, teacher: Viewer, *, is_begun: bool
) -> None:
    """However close together, kept totals count what stands on active chapters, no more and no less."""
    classroom = school.classroom(teacher)
    students = [school.student(classroom) for _each in range(4)]

    def save(student: Viewer, chapter_id: str) -> Saved:
        return backend.progress.change(student, chapter_id, ProgressChange(questions_delta=1), key=new_id())

    for chapter in backend.chapters.active()[:6]:
        if is_begun:
            for student in students:
                save(student, chapter.id)
        archive = partial(backend.chapters.archive, teacher, chapter.id)
        archived, *saves = at_once(archive, *(partial(save, student, chapter.id) for student in students))
        assert isinstance(archived, Chapter)
        for student in students:
            assert stands(backend, student) == recounted(backend, student), saves


def test_an_edit_meets_an_import_of_the_same_chapter(backend: Backend, teacher: Viewer) -> None:
    """One of the two is refused as a whole: no chapter has the name of one and the counts of the other."""
    for chapter in backend.chapters.active()[:6]:
        edited = draft_of(chapter, chapter=f"{chapter.chapter} (new)", year_wise_question_count={"2001": 1})
        content = file_of([draft_of(chapter, year_wise_question_count={"2002": 2})])
        outcomes = at_once(
            partial(backend.chapters.edit, teacher, chapter.id, edited, version=chapter.version),
            partial(backend.chapters.import_file, teacher, "a.json", content, dry_run=False),
        )
        found = backend.chapters.get(chapter.id)
        said = (found.chapter, dict(found.year_wise_question_count))
        imported = {**chapter.year_wise_question_count, "2002": 2}
        assert said in ((edited.chapter, {"2001": 1}), (chapter.chapter, imported)), outcomes


def test_an_edit_of_an_older_version_is_refused(backend: Backend, teacher: Viewer) -> None:
    """Who edits what she saw before somebody else's edit is told so, and nothing is lost."""
    chapter = backend.chapters.active()[0]
    backend.chapters.edit(teacher, chapter.id, draft_of(chapter, unit="Waves"), version=chapter.version)
    with pytest.raises(Conflict, match="Somebody else changed"):
        backend.chapters.edit(teacher, chapter.id, draft_of(chapter, unit="Light"), version=chapter.version)
    assert backend.chapters.get(chapter.id).unit == "Waves"


def test_names_that_only_look_alike_are_one_chapter(backend: Backend, teacher: Viewer) -> None:
    """Wide letters, joiners and circled letters make no new chapter, and no import fails for them as a whole."""
    rows = [ChapterDraft(subject="S", class_="Class 11", unit="U", chapter=name) for name in ALIKE]
    for one, other in pairwise(rows):
        assert one.key == other.key
    report = backend.chapters.import_file(teacher, "a.json", file_of(rows), dry_run=False)
    assert (report.added, report.added + report.unchanged + report.failed) == (1, len(ALIKE))


def test_two_imports_of_one_file_add_its_chapters_once(backend: Backend, teacher: Viewer) -> None:
    """Of two imports of new chapters at once one adds them; the other is refused in words or finds them there."""
    rows = [ChapterDraft(subject="S", class_="Class 11", unit="U", chapter=f"C {number}") for number in range(20)]
    take = partial(backend.chapters.import_file, teacher, "a.json", file_of(rows), dry_run=False)
    at_once(take, take, take)
    assert sum(chapter.subject == "S" for chapter in backend.chapters.active()) == len(rows)


def draft_of(chapter: Chapter, /, **changes: object) -> ChapterDraft:
    fields: dict[str, Any] = {name: getattr(chapter, name) for name in ChapterDraft.__struct_fields__}
    return ChapterDraft(**(fields | changes))


def file_of(rows: list[ChapterDraft]) -> bytes:
    published = [
        {
            "subject": row.subject,
            "class": row.class_,
            "unit": row.unit,
            "chapter": row.chapter,
            "yearWiseQuestionCount": dict(row.year_wise_question_count),
        }
        for row in rows
    ]
    return json.dumps(published).encode()
