"""The database leaves and returns under open pages: they say so, keep what was entered, and recover by themselves."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import expect

from system_tests.cluster.ports import free_port
from system_tests.faults.proxy import Proxy
from tests.cut_off import REPLACED, SOON
from tests.journeys.running import Visitors, running
from tests.journeys.school import ServedSchool

RECOVERED_MS = 60_000  # pages look every 4 to 8 s


def test_pages_recover_by_themselves(served: ServedSchool, visitors: Visitors, tmp_path: Path) -> None:
    """Without the database an open page says so, and beside the row that it is not saved; a guest reads that it will
    come back. Nobody reloads or presses anything: with the database the sign-in form and the page return, and what was
    meant is saved, once.
    """
    person = served.lone_student()
    address = urlsplit(served.environment["MONGODB_URI"])
    proxy = Proxy(free_port(), address.port or 0)
    query = "&".join(each for each in address.query.split("&") if not each.lower().startswith(REPLACED))
    uri = f"mongodb://{address.netloc.rpartition('@')[0]}@127.0.0.1:{proxy.port}/?{query}&{SOON}"
    try:
        with running(tmp_path / "cut", **served.environment | {"MONGODB_URI": uri}) as app:
            page = served.visit(visitors, person.email, app=app).open("/chapters")
            row = page.locator("li.cp-row").nth(2)
            row.wait_for()
            proxy.refuse()
            row.get_by_role("button", name="+5:").click()
            expect(row.get_by_text(re.compile(r"^Not saved\. "))).to_be_visible(timeout=RECOVERED_MS)
            guest = visitors(app).open("/leaderboard")
            expect(guest.get_by_role("heading", level=1)).to_have_text("One moment, please")

            proxy.heal()
            expect(guest.get_by_role("heading", level=1)).to_have_text("Sign in", timeout=RECOVERED_MS)
            expect(page.locator(".cp-away")).to_have_count(0, timeout=RECOVERED_MS)
            expect(row.get_by_text(re.compile(r"^Saved \d"))).to_be_visible()
            expect(row.get_by_role("textbox", name="Questions solved of")).to_have_value("5")
    finally:
        proxy.close()
    assert served.backend.mongo["activity"].count_documents({"studentId": person.user.id}) == 1
