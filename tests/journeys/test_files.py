"""A chapter file as people have it goes in by the page: looked at first, then written, then it changes nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.journeys.running import Visitors
from tests.journeys.school import ServedSchool
from tests.waiting import until

Json = dict[str, Any]
PLACE = {"subject": "Physics", "class": "Class 12", "unit": "Journeys"}
OWN = {"questionSolved": 3, "status": "In Progress", "isWeakChapter": True}


def payload(chapters: list[Json]) -> FilePayload:
    return {"name": "chapters.json", "mimeType": "application/json", "buffer": json.dumps(chapters).encode()}


def offer(page: Page, chapters: list[Json]) -> None:
    """Choose a file and wait for the report of it."""
    page.get_by_text("Import a file").click()
    page.locator("input[type=file]").set_input_files(payload(chapters))
    expect(page.get_by_role("heading", name="Preview")).to_be_visible()


def figures(page: Page) -> dict[str, int]:
    """The four counts of the report."""
    names = ("Added", "Updated", "Unchanged", "Failed")
    cards = page.locator(".cp-figure")
    return {name: int(cards.filter(has_text=name).locator(".cp-value").inner_text()) for name in names}


@pytest.fixture(autouse=True)
def same_catalogue(served: ServedSchool) -> Iterator[None]:
    with served.same_catalogue():
        yield


def test_a_file_is_looked_at_written_and_known(served: ServedSchool, visitors: Visitors) -> None:
    """A dry run counts each outcome and writes nothing; the import writes; the same file again changes nothing."""
    known = served.backend.chapters.active()[0]
    twin: Json = {
        "subject": known.subject,
        "class": known.class_,
        "unit": known.unit,
        "chapter": known.chapter,
        "yearWiseQuestionCount": dict(known.year_wise_question_count),
    }
    new: list[Json] = [
        {**PLACE, **OWN, "chapter": f"Chapter {each}", "yearWiseQuestionCount": {"2024": each}} for each in (1, 2)
    ]
    bad: Json = {**PLACE, "chapter": "Too few", "yearWiseQuestionCount": {"2024": -1}}
    chapters = [twin, *new, bad]

    page = served.visit(visitors, "teacher1@demo.school").open("/manage-chapters")
    offer(page, chapters)
    assert figures(page) == {"Added": 2, "Updated": 0, "Unchanged": 1, "Failed": 1}
    expect(page.get_by_text("somebody's own progress")).to_be_visible()
    assert "Chapter 1" not in {chapter.chapter for chapter in served.backend.chapters.active()}

    page.get_by_role("button", name="Import 2 rows").click()
    expect(page.get_by_text("2 chapters written.")).to_be_visible()

    def written() -> set[str]:
        return {chapter.chapter for chapter in served.backend.chapters.active()}

    until(lambda: {"Chapter 1", "Chapter 2"} < written())  # this process hears of it a moment later
    assert "Too few" not in written()

    page.reload()
    offer(page, chapters)
    assert figures(page) == {"Added": 0, "Updated": 0, "Unchanged": 3, "Failed": 1}
    expect(page.get_by_role("button", name="Import")).to_have_count(0)
