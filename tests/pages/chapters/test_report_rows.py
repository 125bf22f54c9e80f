"""The rows of an import's report: what a person looks for comes first."""

import pytest
from streamlit.testing.v1 import AppTest

from backend.chapters.models import FieldChange, ImportRow, Outcome
from pages.chapters.report_rows import draw_rows

ORDER = {
    Outcome.FAILED: ["The syllabus has no such chapter", "Laws of Motion"],
    Outcome.UPDATED: ["Laws of Motion", "Questions solved", "The syllabus has no such chapter"],
}


@pytest.mark.parametrize("outcome", ORDER)
def test_a_row_begins_with_its_chapter_or_with_why_it_failed(outcome: Outcome) -> None:
    """In the order in which it is read, on a phone too."""
    change = FieldChange(field="questionSolved", before=1, after=2)
    row = ImportRow(
        row=2,
        outcome=outcome,
        chapter="Laws of Motion",
        reason="The syllabus has no such chapter",
        changes=(change,) if outcome is Outcome.UPDATED else (),
    )
    run = AppTest.from_function(draw_rows, args=([row], "Rows")).run()
    assert not run.exception
    html = "".join(each.value for each in run.html)
    places = [html.index(words) for words in ORDER[outcome]]
    assert places == sorted(places)
