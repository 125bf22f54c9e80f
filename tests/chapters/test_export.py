"""Exported chapter files: what is written is read back the same, and no spreadsheet calculates it."""

import csv
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.chapters.catalogue import catalogue
from backend.chapters.export import file_name, to_csv, to_json, to_xlsx
from backend.chapters.files import parse
from backend.chapters.models import Chapter, ChapterDraft, OwnChange, OwnProgress
from tests.chapters.files import DRAFTS, OWN, UNHURRIED

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
WRITERS = {"csv": to_csv, "json": to_json, "xlsx": to_xlsx}
WRITTEN = st.lists(st.tuples(DRAFTS, OWN), min_size=1, max_size=6, unique_by=lambda pair: pair[0].key)


def chapter(draft: ChapterDraft, number: int = 0) -> Chapter:
    return Chapter(
        id=str(number),
        subject=draft.subject,
        class_=draft.class_,
        unit=draft.unit,
        chapter=draft.chapter,
        year_wise_question_count=draft.year_wise_question_count,
        question_total=sum(draft.year_wise_question_count.values()),
        version=1,
        created_at=AT,
        updated_at=AT,
    )


def chapters(drafts: Sequence[ChapterDraft]) -> list[Chapter]:
    return [chapter(draft, number) for number, draft in enumerate(drafts)]


def named(text: str) -> Chapter:
    return chapter(ChapterDraft(subject="Physics", class_="Class 12", unit="Optics", chapter=text))


def csv_cells(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("ending", WRITERS)
@UNHURRIED
@given(written=WRITTEN)
def test_reading_an_export_gives_the_same_drafts_and_progress(
    ending: str, written: list[tuple[ChapterDraft, OwnProgress]]
) -> None:
    """For all names, counts and progress, in each of the three forms."""
    drafts = [draft for draft, _own in written]
    own: Mapping[str, OwnProgress] = {str(number): own for number, (_draft, own) in enumerate(written)}
    rows = parse(f"x.{ending}", WRITERS[ending](chapters(drafts), own)).rows
    assert [row.problem for row in rows] == [None] * len(rows)
    said = [OwnChange(**{name: getattr(own, name) for name in OwnChange.__struct_fields__}) for _draft, own in written]
    assert [(row.draft, row.own) for row in rows] == list(zip(drafts, said, strict=True))


@pytest.mark.parametrize("ending", WRITERS)
def test_an_export_without_progress_says_nothing_of_it(ending: str) -> None:
    """No row of such a file has progress to take over, and no column is unknown."""
    file = parse(f"x.{ending}", WRITERS[ending](chapters(catalogue())))
    assert tuple(row.draft for row in file.rows) == catalogue()
    assert not any(row.own for row in file.rows)
    assert file.ignored_fields == ()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x.y")', "＝1+1", "'=1"])
def test_a_csv_cell_never_begins_as_a_formula(text: str) -> None:
    """A name that a spreadsheet would calculate is written with an apostrophe before it."""
    cell = csv_cells(to_csv([named(text)]))[1][3]
    assert cell == f"'{text}"


def test_an_apostrophe_of_the_name_itself_stays() -> None:
    """Only the apostrophe that we put there is taken off."""
    names = ["'Tis light", "'=1", "a;=1+1", "a;'=1", 'a; "-b', "x;y"]
    written = to_csv([named(name) for name in names])
    assert [row.draft.chapter for row in parse("x.csv", written).rows if row.draft] == names


def test_csv_is_utf8_with_bom_and_numbers_as_numbers() -> None:
    """Excel sees the encoding, and a count is bare digits; a year without a count is an empty cell, not 0."""
    content = to_csv(
        [
            chapter(
                ChapterDraft(
                    subject="भौतिकी", class_="Class 11", unit="U", chapter="A", year_wise_question_count={"2019": 0}
                )
            ),
            chapter(
                ChapterDraft(
                    subject="Physics", class_="Class 11", unit="U", chapter="B", year_wise_question_count={"2020": 1234}
                )
            ),
        ]
    )
    assert content.startswith(b"\xef\xbb\xbf")
    assert csv_cells(content) == [
        ["subject", "class", "unit", "chapter", "2019", "2020"],
        ["भौतिकी", "Class 11", "U", "A", "0", ""],
        ["Physics", "Class 11", "U", "B", "", "1234"],
    ]


def test_a_chapter_without_progress_is_written_as_not_started() -> None:
    """Absent progress means Not Started, 0 and not weak, in every form."""
    assert csv_cells(to_csv([named("Ray Optics")], {}))[1][4:] == ["Not Started", "0", "false"]
    (item,) = json.loads(to_json([named("Ray Optics")], {}))
    assert (item["status"], item["questionSolved"], item["isWeakChapter"]) == ("Not Started", 0, False)


def test_json_has_the_published_shape() -> None:
    """A list of objects with exactly the published names, in the published order."""
    (item,) = json.loads(to_json([chapter(catalogue()[1])], {"0": OwnProgress(status="Completed", question_solved=39)}))
    assert item == {
        "subject": "Physics",
        "chapter": "Units and Dimensions",
        "class": "Class 11",
        "unit": "Mechanics 1",
        "yearWiseQuestionCount": {"2019": 2, "2020": 6, "2021": 8, "2022": 4, "2023": 6, "2024": 3, "2025": 10},
        "questionSolved": 39,
        "status": "Completed",
        "isWeakChapter": False,
    }
    assert list(item)[:5] == ["subject", "chapter", "class", "unit", "yearWiseQuestionCount"]


def test_xlsx_has_a_table_a_frozen_header_and_no_formula() -> None:
    """A name that looks like a formula or a link is stored as text."""
    content = to_xlsx([named("=1+1"), named("http://example.org")])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        table = archive.read("xl/tables/table1.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert 'state="frozen"' in sheet
    assert 'ref="A1:D3"' in table


@pytest.mark.parametrize("ending", WRITERS)
def test_no_chapters_make_a_file_all_the_same(ending: str) -> None:
    """An empty syllabus exports as an empty file of its form, not as an error."""
    assert WRITERS[ending]([], {})


def test_file_names_carry_what_it_is_about_and_the_day() -> None:
    """Only letters, digits, hyphens and one dot: safe in every header and on every disk."""
    day = date(2026, 11, 22)
    assert file_name("csv", day, "Class 11 / B “évening”") == "chapters-class-11-b-evening-2026-11-22.csv"
    assert file_name("xlsx", day, "कक्षा") == "chapters-2026-11-22.xlsx"
    assert file_name("json", day) == "chapters-2026-11-22.json"
