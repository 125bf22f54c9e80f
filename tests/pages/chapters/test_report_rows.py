"""The rows of an import's report: what a person looks for comes first."""

import pytest
from streamlit.testing.v1 import AppTest

from backend.chapters.models import Outcome

ORDER = {
    Outcome.FAILED: ["No such chapter", "Laws of Motion"],
    Outcome.UPDATED: ["Laws of Motion", "Questions solved", "No such chapter"],
}


def page(outcome: str) -> None:
    """A report of one row, in a script of its own."""
    from backend.chapters.models import FieldChange, ImportRow, Outcome  # noqa: PLC0415 # the script has no other names
    from pages.chapters.report_rows import draw_rows  # noqa: PLC0415 # as above

    change = FieldChange(field="questionSolved", before=1, after=2)
    row = ImportRow(
        row=2, outcome=Outcome(outcome), chapter="Laws of Motion", reason="No such chapter", changes=(change,)
    )
    draw_rows([row], "Rows")


@pytest.mark.parametrize("outcome", ORDER)
def test_a_row_begins_with_its_chapter_or_with_why_it_failed(outcome: Outcome) -> None:
    """In the order in which it is read, on a phone too."""
    run = AppTest.from_function(page, args=(outcome.value,)).run()
    assert not run.exception
    html = "".join(each.value for each in run.html)
    places = [html.index(words) for words in ORDER[outcome]]
    assert places == sorted(places)
