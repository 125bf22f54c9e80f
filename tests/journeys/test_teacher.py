"""A teacher's way: the class moves while she looks, and files go in and out."""

from playwright.sync_api import Page, expect

from backend.progress.models import ProgressChange
from tests.journeys.running import Visitors
from tests.journeys.school import ServedSchool

REFRESH_MS = 15_000


def learners(page: Page) -> list[str]:
    """The names in the table of learners, from the top."""
    buttons = page.get_by_role("table").last.get_by_role("rowheader").get_by_role("button")
    return buttons.all_inner_texts()


def test_the_open_class_page_follows(served: ServedSchool, visitors: Visitors) -> None:
    """What a student saves shows on her teacher's open class page without a click, and her row opens beside it."""
    person = served.teacher()
    classroom = served.classroom(person)
    asha, *_others = [served.student(classroom, name) for name in ("Asha A", "Bina B", "Chitra C")]
    chapter, total = served.backend.chapters.active()[0], len(served.backend.chapters.active())
    page = served.visit(visitors, person.email).open("/classroom")
    line = page.get_by_role("row").filter(has_text="Asha A").last
    expect(line).to_contain_text(f"0/{total}")

    viewer = served.viewer(asha.email)
    change = ProgressChange(status="Completed", questions_delta=7)
    served.backend.progress.change(viewer, chapter.id, change, key="once")
    expect(line).to_contain_text(f"1/{total}", timeout=REFRESH_MS)
    expect(line.get_by_role("cell").nth(1)).to_have_text("7")

    line.get_by_role("button", name="Open Asha A").click()
    expect(page.get_by_role("heading", level=2, name="Asha A")).to_be_visible()
    expect(page.get_by_text(chapter.chapter)).not_to_have_count(0)


def test_sorting_by_keyboard(served: ServedSchool, visitors: Visitors) -> None:
    """Enter on a column's heading sorts by it, Enter again turns the order round, and the heading says so."""
    page = served.visit(visitors, "teacher1@demo.school").open("/classroom")
    table = page.get_by_role("table").last
    heading = table.get_by_role("columnheader", name="Learner")
    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    up = learners(page)
    assert up == sorted(up, key=str.casefold)
    page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert learners(page) == up[::-1]


def test_the_matrix_says_what_the_report_says(served: ServedSchool, visitors: Visitors) -> None:
    """The matrix has a row for each learner, a column for each chapter, and the sums of the services at its foot."""
    viewer = served.viewer("teacher1@demo.school")
    classroom = served.backend.classrooms.classrooms(viewer)[0]
    page = served.visit(visitors, "teacher1@demo.school").open(f"/classroom?id={classroom.id}")
    page.get_by_role("button", name="Chapters", exact=True).or_(
        page.get_by_role("radio", name="Chapters", exact=True)
    ).first.click()
    table = page.locator(".cp-matrix table")
    table.wait_for()
    subject = served.backend.overview.facets().subjects[0]
    matrix = served.backend.reports.matrix(viewer, classroom.id, subject)
    expect(table.locator("tbody tr")).to_have_count(len(matrix.rows))
    expect(table.locator("thead th")).to_have_count(len(matrix.columns) + 1)
    completed = table.locator("tfoot tr").first.locator("td").all_inner_texts()
    assert completed == [str(column.completed) for column in matrix.columns]
