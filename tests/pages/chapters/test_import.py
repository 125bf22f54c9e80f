"""Importing a file into the catalogue by its page: looked at first, written once, refused in words."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.chapters.models import Chapter
from tests.pages.at_path import html_of
from tests.pages.chapters.catalogue_page import chapter, page, press, view
from tests.pages.key_figures import key_figures
from tests.school import School

__all__ = ["chapter", "page"]


def upload(page: AppTest, items: object, name: str = "chapters.json") -> None:
    content = items if isinstance(items, bytes) else json.dumps(items).encode()
    page.file_uploader(key="import-file").set_value((name, content, "application/json")).run()
    assert not page.exception, page.exception[0].value


def counts(page: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in key_figures(page).values()}


def item(chapter: Chapter, **changes: object) -> dict[str, object]:
    """A chapter in the published shape."""
    facts: dict[str, object] = {
        "subject": chapter.subject,
        "class": chapter.class_,
        "unit": chapter.unit,
        "chapter": chapter.chapter,
        "yearWiseQuestionCount": dict(chapter.year_wise_question_count),
    }
    return facts | changes


NEW = {"subject": "Biology", "class": 12, "unit": "Genetics", "chapter": "Inheritance", "yearWiseQuestionCount": {}}


def test_a_file_is_only_looked_at_first(backend: Backend, page: AppTest, chapter: Chapter) -> None:
    """Choosing a file shows counts and reasons and writes nothing, not even the rows that fit."""
    before = backend.chapters.every()
    view(page, "import")
    changed = item(chapter, yearWiseQuestionCount={"2025": 99})
    upload(page, [NEW, changed, item(backend.chapters.active()[1]), {**NEW, "chapter": "Bad", "unit": ""}])
    assert counts(page) == {"Added": "1", "Updated": "1", "Unchanged": "1", "Failed": "1"}
    assert "“unit” is missing." in html_of(page)
    assert backend.chapters.every() == before


def test_failed_rows_are_shown_first_and_others_on_choice(backend: Backend, page: AppTest) -> None:
    """The table of rows begins with the failed ones; the filter shows the others."""
    view(page, "import")
    upload(page, [NEW, {**NEW, "chapter": "Bad", "unit": ""}])
    assert "Inheritance" not in html_of(page)
    page.segmented_control(key="import-kind").set_value("added").run()
    assert "Inheritance" in html_of(page)


def test_an_import_writes_once_and_its_result_stays(backend: Backend, page: AppTest) -> None:
    """One click writes what was announced; the result stays on a later run; the same file again changes nothing."""
    view(page, "import")
    upload(page, [NEW])
    press(page, "Import 1 row")
    assert [each.chapter for each in backend.chapters.active() if each.subject == "Biology"] == ["Inheritance"]
    page.run()
    assert "What was imported" in html_of(page)
    assert counts(page)["Added"] == "1"
    upload(page, [NEW], "again.json")
    assert counts(page) == {"Added": "0", "Updated": "0", "Unchanged": "1", "Failed": "0"}
    assert all(not each.label.startswith("Import") for each in page.button)


def test_a_near_name_is_asked_about_before_the_import(backend: Backend, page: AppTest) -> None:
    """Its rows fail until somebody chooses; then they are imported under the name that was chosen."""
    view(page, "import")
    upload(page, [{**NEW, "subject": "Phyiscs"}])
    assert counts(page)["Failed"] == "1"
    next(each for each in page.selectbox if "Phyiscs" in each.label).set_value("Physics").run()
    assert counts(page)["Added"] == "1"
    press(page, "Import 1 row")
    assert next(each for each in backend.chapters.active() if each.chapter == "Inheritance").subject == "Physics"


def test_a_near_chapter_is_asked_about_before_the_import(backend: Backend, page: AppTest, chapter: Chapter) -> None:
    """“Is it this one?”: the years go to the chapter that is chosen, and no second one is added."""
    view(page, "import")
    upload(page, [{**item(chapter, yearWiseQuestionCount={"2026": 3}), "chapter": f"{chapter.chapter}s"}])
    assert counts(page)["Failed"] == "1"
    next(each for each in page.selectbox if f"{chapter.chapter}s" in each.label).set_value(chapter.chapter).run()
    before = len(backend.chapters.active())
    press(page, "Import 1 row")
    assert backend.chapters.get(chapter.id).year_wise_question_count["2026"] == 3
    assert len(backend.chapters.active()) == before


def test_years_are_deleted_only_where_it_is_asked_for(backend: Backend, page: AppTest, chapter: Chapter) -> None:
    """The preview counts them; an import is taken back from the list of imports."""
    view(page, "import")
    upload(page, [item(chapter, yearWiseQuestionCount={"2025": 99})])
    next(each for each in page.checkbox if "Delete the years" in each.label).check().run()
    assert any("6 year counts will be deleted" in each.value for each in page.warning)
    press(page, "Import 1 row")
    assert backend.chapters.get(chapter.id).year_wise_question_count == {"2025": 99}
    press(page, "Undo")
    assert backend.chapters.get(chapter.id).year_wise_question_count == chapter.year_wise_question_count


def test_own_progress_in_a_file_is_left_out_and_said(
    backend: Backend, school: School, page: AppTest, teacher: Viewer, chapter: Chapter
) -> None:
    """A file with somebody's status and solved counts says that these are left out, and moves nobody's progress."""
    student = school.student(school.classroom(teacher))
    view(page, "import")
    upload(page, [item(chapter, status="Completed", questionSolved=9, isWeakChapter=True), NEW])
    assert any("nobody's progress is touched" in each.value for each in page.info)
    press(page, "Import 1 row")
    assert backend.progress.record(student.id).progress == {}


@pytest.mark.parametrize("content", [b"", b"hello, this is no chapter file", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_a_foreign_file_is_refused_in_words(backend: Backend, page: AppTest, content: bytes) -> None:
    """What is no chapter file is refused with a sentence, and the page goes on."""
    before = backend.chapters.every()
    view(page, "import")
    upload(page, content, "notes.csv")
    assert len(page.error) == 1
    assert not key_figures(page)
    assert backend.chapters.every() == before
