"""The shipped catalogue holds the facts of the published list, in syllabus order."""

from collections import Counter

from backend.chapters.catalogue import catalogue
from backend.chapters.draft import checked

YEARS = {"2019", "2020", "2021", "2022", "2023", "2024", "2025"}
BY_YEAR = {"2019": 486, "2020": 518, "2021": 485, "2022": 446, "2023": 519, "2024": 504, "2025": 586}


def test_has_every_chapter_of_each_subject_and_class() -> None:
    """101 chapters: the numbers were counted from the published list."""
    counted = Counter((draft.subject, draft.class_) for draft in catalogue())
    assert counted == {
        ("Physics", "Class 11"): 16,
        ("Physics", "Class 12"): 16,
        ("Chemistry", "Class 11"): 15,
        ("Chemistry", "Class 12"): 18,
        ("Mathematics", "Class 11"): 20,
        ("Mathematics", "Class 12"): 16,
    }


def test_question_totals_are_those_of_the_published_list() -> None:
    """The sums of all counts by subject and by year."""
    by_subject: Counter[str] = Counter()
    by_year: Counter[str] = Counter()
    for draft in catalogue():
        by_subject[draft.subject] += sum(draft.year_wise_question_count.values())
        by_year.update(draft.year_wise_question_count)
    assert by_subject == {"Physics": 1189, "Chemistry": 1084, "Mathematics": 1271}
    assert by_year == BY_YEAR


def test_every_chapter_counts_every_year() -> None:
    """No chapter lacks one of the seven years, and zero is written, not left out."""
    assert all(set(draft.year_wise_question_count) == YEARS for draft in catalogue())


def test_syllabus_order_is_kept_where_a_unit_is_taken_up_again() -> None:
    """Mechanics 2 stands before and after Thermodynamics, as in the published list."""
    chapters = [draft.chapter for draft in catalogue()]
    assert chapters[9:16] == [
        "Mechanical Properties of Solids",
        "Mechanical Properties of Fluids",
        "Thermal Properties of Matter",
        "Thermodynamics",
        "Kinetic Theory of Gases",
        "Oscillations",
        "Waves and Sound",
    ]
    assert chapters[-1] == "Probability"


def test_no_chapter_stands_twice() -> None:
    """The four names tell all chapters apart."""
    assert len({draft.key for draft in catalogue()}) == len(catalogue())


def test_the_form_would_take_every_chapter_as_it_stands() -> None:
    """The rules for a chapter typed by a person change nothing in the shipped ones."""
    assert [checked(draft) for draft in catalogue()] == list(catalogue())
