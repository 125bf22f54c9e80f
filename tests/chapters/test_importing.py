"""The plan of an import: years are merged, names are the catalogue's, what is doubtful is asked, nothing is lost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backend.chapters import importing
from backend.chapters.catalogue import catalogue
from backend.chapters.importing import ImportPlan
from backend.chapters.models import (
    Chapter,
    ChapterDraft,
    ChapterFile,
    FieldChange,
    FileRow,
    ImportOptions,
    NameChoice,
    Outcome,
)
from backend.errors import Invalid
from tests.chapters.files import UNHURRIED
from tests.progress.builders import THEN

YEAR = 2026
SYLLABUS = tuple(importing.new_chapter(draft, THEN) for draft in catalogue())
MOTION = next(chapter for chapter in SYLLABUS if chapter.chapter == "Laws of Motion")
YEARS = st.dictionaries(st.integers(2010, 2026).map(str), st.integers(0, 50), max_size=6)
REPLACING = ImportOptions(replace_years=True)


def like(of: ChapterDraft, counts: dict[str, int] | None = None, /, **names: Any) -> ChapterDraft:
    """A draft of the chapter with these counts and names."""
    fields = {name: getattr(of, name) for name in ("subject", "class_", "unit", "chapter")} | names
    return ChapterDraft(**fields, year_wise_question_count=counts or {})


def planned(
    *drafts: ChapterDraft, options: ImportOptions | None = None, known: tuple[Chapter, ...] = SYLLABUS
) -> ImportPlan:
    rows = tuple(FileRow(row=number, draft=draft) for number, draft in enumerate(drafts, 2))
    return importing.plan(ChapterFile(rows=rows), known, options or ImportOptions(), YEAR)


def named(attribute: str, value: str) -> Any:
    return {attribute: value}


def outcomes(plan: ImportPlan) -> list[str]:
    return [row.report.outcome for row in plan.rows]


@UNHURRIED
@given(known=YEARS, given_=YEARS)
def test_years_are_merged(known: dict[str, int], given_: dict[str, int]) -> None:
    """Whatever a file says of some years, no other year of the chapter is lost or changed."""
    twin = replace(MOTION, year_wise_question_count=known)
    (row,) = planned(like(MOTION, given_), known=(twin,)).rows
    after = row.draft.year_wise_question_count if row.draft else known
    assert after == {**known, **given_}
    assert {change.field: change.after for change in row.report.changes} == {
        year: count for year, count in given_.items() if known.get(year) != count
    }


def test_deleting_years_is_asked_for_and_counted() -> None:
    """Only then do the years go that a row leaves out; a row without any year still says nothing of them."""
    plan = planned(like(MOTION, {"2025": 1}), like(SYLLABUS[0]), options=REPLACING)
    report = importing.report(ChapterFile(rows=()), (row.report for row in plan.rows), dry_run=True, of=plan)
    assert (report.updated, report.unchanged, report.years_deleted) == (1, 1, 6)
    assert FieldChange(field="2019", before=3, after=None) in report.rows[0].changes


CAPITALS = ("PHYSICS", "physics", "Ｐｈｙｓｉｃｓ", "Phys\u034fics", "  Physics ", "P\ufe0fhysics")


@pytest.mark.parametrize("subject", CAPITALS)
def test_the_same_name_is_the_known_one_however_it_is_typed(subject: str) -> None:
    """Subject, class and unit of a new chapter are written as the catalogue writes them; a known one is unchanged."""
    new = like(MOTION, subject=subject, class_="CLASS 11", unit=MOTION.unit.upper(), chapter="Friction")
    plan = planned(new, like(MOTION, subject=subject))
    assert outcomes(plan) == ["added", "unchanged"]
    assert plan.rows[0].draft == like(MOTION, chapter="Friction")


def test_the_shipped_chapters_in_capitals_change_nothing() -> None:
    """A hundred and one rows of which each subject is in capitals are the chapters that are there."""
    plan = planned(*(like(each, subject=each.subject.upper(), unit=each.unit.lower()) for each in SYLLABUS))
    assert set(outcomes(plan)) == {Outcome.UNCHANGED}


def test_one_spelling_wins_in_an_empty_catalogue_too() -> None:
    """Four ways to type one subject make one subject."""
    plan = planned(*(like(MOTION, subject=name, chapter=f"C{at}") for at, name in enumerate(CAPITALS)), known=())
    assert {row.draft.subject for row in plan.rows if row.draft} == {"PHYSICS"}


@pytest.mark.parametrize(
    ("field", "attribute", "value", "candidate"),
    [
        ("subject", "subject", "Phyiscs", "Physics"),
        ("subject", "subject", "Chem", "Chemistry"),
        ("subject", "subject", "Maths", "Mathematics"),
        ("class", "class_", "Clas 11", "Class 11"),
        ("unit", "unit", "Mechancs 1", "Mechanics 1"),
        ("chapter", "chapter", "Law of Motion", "Laws of Motion"),
        ("chapter", "chapter", "Laws Motion", "Laws of Motion"),
        ("chapter", "chapter", "Motion, Laws of", "Laws of Motion"),
        ("chapter", "chapter", "Laws of Motion.", "Laws of Motion"),
    ],
)
def test_near_names_are_asked_about(field: Any, attribute: str, value: str, candidate: str) -> None:
    """A slip or a short form is no new name and no guess: its row fails until somebody says what is meant."""
    draft = like(MOTION, {"2026": 4}, **{"chapter": "Friction", attribute: value})
    (row,), (question,) = (plan := planned(draft)).rows, plan.questions
    assert (row.report.outcome, question.field, question.value, question.rows) == ("failed", field, value, 1)
    assert candidate in question.candidates
    assert candidate in row.report.reason
    choice = NameChoice(
        field=field,
        value=value,
        subject=question.subject,
        class_=question.class_,
        unit=question.unit,
        same_as=candidate,
    )
    (same,) = planned(draft, options=ImportOptions(choices=(choice,))).rows
    assert same.draft is not None
    assert same.draft.key == like(MOTION, **{"chapter": "Friction", attribute: candidate}).key
    assert same.draft.year_wise_question_count["2026"] == 4
    assert same.report.outcome == ("updated" if field == "chapter" else "added")
    (new,) = planned(draft, options=ImportOptions(choices=(replace(choice, same_as=None),))).rows
    assert new.draft == draft


@pytest.mark.parametrize(
    "unit", ["Mechanics 2", "Mechanics 11", "Mechanics III", "Optics", "Part A", "Part B", "Thermodynamics"]
)
def test_other_names_are_new_without_a_question(unit: str) -> None:
    """Names that differ in a number or a letter that stands for one are different names."""
    known = (*SYLLABUS, importing.new_chapter(like(MOTION, unit="Part C", chapter="X"), THEN))
    plan = planned(like(MOTION, unit=unit, chapter="Friction"), known=known)
    assert (outcomes(plan), plan.questions) == (["added"], ())


@pytest.mark.parametrize(
    "chapter",
    [
        "Friction",
        "Laws of Motion II",
        "Laws of Motion 2",
        "Laws of Emotional Thought",
        "Types of Motion",
        "Laws of Gases",
    ],
)
def test_other_chapters_of_a_unit_are_new_without_a_question(chapter: str) -> None:
    """A number more, or another word in a long name, makes another chapter."""
    plan = planned(like(MOTION, chapter=chapter))
    assert (outcomes(plan), plan.questions) == (["added"], ())


def test_the_shipped_chapters_ask_nothing_of_each_other() -> None:
    """Nor does a syllabus that is imported into an empty catalogue."""
    assert planned(*SYLLABUS, known=()).questions == ()


def test_a_chapter_of_another_unit_is_pointed_at() -> None:
    """The same name in another unit may be the same chapter or another one, so it is added and said."""
    (row,) = planned(like(MOTION, unit="Dynamics")).rows
    assert row.report.outcome == "added"
    assert row.report.reason == f"There is a chapter of this name in the unit “{MOTION.unit}”."


def test_near_names_within_one_file_are_asked_about() -> None:
    """The first of them is new, and of the second it is asked whether it is the first."""
    plan = planned(
        like(MOTION, unit="Charges", chapter="Electrostatics"), like(MOTION, unit="Charges", chapter="Electrostatic")
    )
    assert outcomes(plan) == ["added", "failed"]
    assert plan.questions[0].candidates == ("Electrostatics",)


def test_rows_of_a_chapter_are_taken_together() -> None:
    """Years that stand in several rows or sheets are all written, by the first of them."""
    plan = planned(like(MOTION, {"2025": 1}), like(MOTION, {"2026": 2}), like(MOTION, {"2025": 1}))
    assert outcomes(plan) == ["updated", "unchanged", "unchanged"]
    assert plan.rows[0].draft is not None
    assert plan.rows[0].draft.year_wise_question_count["2026"] == 2
    assert [row.report.reason for row in plan.rows[1:]] == [
        "It is taken together with row 2.",
        "It says the same as row 2.",
    ]


def test_rows_that_contradict_each_other_are_all_named() -> None:
    """Also where only the catalogue's spelling makes them one chapter; rows that agree are written once."""
    choice = NameChoice(field="subject", value="Phyiscs", same_as="Physics")
    rows = (like(MOTION, {"2026": 1}), like(MOTION, {"2026": 2}, subject="Phyiscs"), like(SYLLABUS[0], {"2026": 1}))
    plan = planned(*rows, rows[2], options=ImportOptions(choices=(choice,)))
    assert outcomes(plan) == ["failed", "failed", "updated", "unchanged"]
    assert "3" in plan.rows[0].report.reason
    assert "2" in plan.rows[1].report.reason


@pytest.mark.parametrize(("year", "words"), [("2062", "2062 is in the future"), ("2026", "few chapters have")])
def test_odd_years_are_pointed_at(year: str, words: str) -> None:
    """A year that will not count is said of the file and of its row, with 0 questions as well."""
    plan = planned(like(MOTION, {year: 0, "2025": 8}))
    assert any(words in note for note in plan.notes)
    assert f"Check {year}" in plan.rows[0].report.reason
    assert planned(like(MOTION, {"2025": 1})).notes == ()


def test_a_plan_is_known_by_what_it_writes() -> None:
    """The same file over the same chapters is the same plan; another version of one of its chapters is another."""
    draft = like(MOTION, {"2026": 1})
    other = tuple(replace(each, version=each.version + (each is MOTION)) for each in SYLLABUS)
    unrelated = tuple(replace(each, version=each.version + (each is not MOTION)) for each in SYLLABUS)
    assert planned(draft).fingerprint == planned(draft, known=unrelated).fingerprint
    assert planned(draft).fingerprint != planned(draft, known=other).fingerprint


@pytest.mark.parametrize("field", ["subject", "class", "unit", "chapter"])
@pytest.mark.parametrize("name", ["", "Alchemy", "\u0007", "x" * 5000])
def test_a_choice_is_a_name_of_the_catalogue(field: Any, name: str) -> None:
    """A chosen name is written as it stands there, so nothing else can be chosen."""
    attribute = {"class": "class_"}.get(field, field)
    draft = like(MOTION, {"2026": 1}, **{"chapter": "Friction", attribute: "Something"})
    subject = MOTION.subject if field in ("unit", "chapter") else ""
    choice = NameChoice(
        field=field, value="Something", subject=subject, class_=MOTION.class_, unit=MOTION.unit, same_as=name
    )
    with pytest.raises(Invalid, match="cannot be the same"):
        planned(draft, options=ImportOptions(choices=(choice,)))
    known = replace(choice, same_as=getattr(MOTION, attribute).upper())
    (row,) = planned(draft, options=ImportOptions(choices=(known,))).rows
    assert row.draft is not None
    assert getattr(row.draft, attribute) == getattr(MOTION, attribute)
