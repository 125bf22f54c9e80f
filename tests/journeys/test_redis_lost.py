"""Redis is soft: where it dies while pages are open, people go on as if nothing had happened."""

import re
from pathlib import Path

from playwright.sync_api import expect

from backend.progress.models import ProgressChange
from tests.journeys.running import Visitors, running
from tests.journeys.school import ServedSchool
from tests.kit.redis.valkey_process import ValkeyProcess

LOOK_MS = 45_000  # a page looks every 15 s where it hears nothing


def test_pages_go_on_without_redis(served: ServedSchool, visitors: Visitors, tmp_path: Path) -> None:
    """Redis killed under open pages: changes are saved and shown, signing in works, and its return goes unnoticed.

    What another process saves meanwhile, of which nobody can tell this one, shows on an open class page by looking.
    """
    teacher = served.teacher()
    classroom = served.classroom(teacher)
    person, friend = served.student(classroom, "Sita Student"), served.student(classroom, "Frida Friend")
    valkey = ValkeyProcess(tmp_path)
    try:
        with running(tmp_path / "beside", **served.environment | {"REDIS_URL": valkey.url}) as app:
            student = served.visit(visitors, person.email, app=app)
            page = student.open("/chapters")
            row = page.locator("li.cp-row").first
            row.wait_for()
            watched = served.visit(visitors, teacher.email, app=app).open("/classroom")
            learner = watched.get_by_role("row").filter(has_text=friend.user.name)
            expect(learner).to_contain_text("0/101")
            valkey.kill()
            change = ProgressChange(questions_delta=3)
            served.backend.progress.change(
                served.viewer(friend.email), served.backend.chapters.active()[0].id, change, key="beside"
            )
            row.get_by_role("button", name="+5:").click()
            expect(row.get_by_text(re.compile(r"^Saved \d"))).to_be_visible()
            home = student.open("/")
            expect(home.locator(".cp-figure").filter(has_text="Questions today")).to_contain_text("5 of 20")
            other = visitors(app)
            other.sign_in(friend.email, friend.password, "/leaderboard")
            expect(other.page.get_by_role("heading", level=1)).to_contain_text("Leaderboard")
            expect(learner.get_by_role("cell").nth(1)).to_have_text("3", timeout=LOOK_MS)

            valkey.start()
            row = student.open("/chapters").locator("li.cp-row").first
            row.get_by_role("button", name="+1:").click()
            expect(row.get_by_role("textbox", name="Questions solved of")).to_have_value("6")
            expect(row.get_by_text(re.compile(r"^Saved \d"))).to_be_visible()
            home = student.open("/")
            expect(home.locator(".cp-figure").filter(has_text="Questions today")).to_contain_text("6 of 20")
    finally:
        valkey.stop()
