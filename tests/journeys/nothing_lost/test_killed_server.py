"""A server that is killed under an open page and comes back: what was done meanwhile is saved once."""

from functools import partial
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from backend.chapters.models import Chapter
from system_tests.cluster.ports import free_port
from tests.journeys.running import Visitors, start_app, stop_app
from tests.journeys.school import ServedSchool
from tests.waiting import until

SECONDS = 20.0  # after the server's return: the page asks every three seconds


def _row(page: Page, chapter: Chapter) -> Locator:
    return page.get_by_role("listitem").filter(has=page.get_by_role("link", name=chapter.chapter, exact=True))


def test_a_killed_server_costs_nothing_that_was_typed(served: ServedSchool, visitors: Visitors, tmp_path: Path) -> None:
    """A number sent as the server died, and those typed while it was away, are saved once; a form holds its text."""
    port, secret = free_port(), (served.app.data_dir / "secrets" / "jwt").read_text()
    environment = served.environment | {"JWT_SECRET": secret}
    app = start_app(tmp_path / "data", port, **environment)
    try:
        person = served.lone_student()
        viewer, chapters = served.viewer(person.email), served.backend.chapters.active()[:3]
        visitor = served.visit(visitors, person.email, app=app)
        page, settings = visitor.open("/chapters"), visitor.tab("/settings")
        name = settings.get_by_label("Your name")
        name.fill("Sita Renamed")  # and not sent

        def is_saved(chapter: Chapter, solved: int) -> bool:
            found = served.backend.progress.record(viewer.id).progress.get(chapter.id)
            return found is not None and found.question_solved == solved

        fields = [_row(page, each).get_by_role("textbox", name="Questions solved of") for each in chapters]
        fields[0].fill("7")
        fields[0].press("Enter")
        app.process.kill()
        app.process.wait()
        fields[1].fill("4")
        fields[1].press("Enter")
        expect(_row(page, chapters[1]).get_by_role("status")).to_contain_text("Not saved yet")
        fields[2].fill("9")  # and not left
        app = start_app(tmp_path / "data", port, **environment)
        fields[2].press("Enter")
        for chapter, solved in zip(chapters, (7, 4, 9), strict=True):
            until(partial(is_saved, chapter, solved), seconds=SECONDS)
            expect(_row(page, chapter).get_by_role("status")).to_contain_text("Saved")
            assert len(served.backend.progress.history(viewer, chapter.id)) == 1
        settings.reload()
        expect(name).to_have_value("Sita Renamed")
    finally:
        stop_app(app)
