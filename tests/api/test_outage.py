"""What programs are told while the servers are away: 503 with a time, never that something went wrong here."""

import pytest

from backend.bootstrap import Backend
from backend.config import Settings
from tests.api.caller import Door, first_chapter, problem
from tests.cut_off import Doors, behind, doors
from tests.waiting import until

__all__ = ["doors"]

NEW = {"subject": "Physics", "class": "Class 11", "unit": "Light", "chapter": "Prisms"}
SIGN_UP = {"email": "new@example.org", "password": "a good long one", "name": "Nina New"}


@pytest.fixture
def settings(doors: Doors, settings: Settings) -> Settings:
    """Servers that can be cut off."""
    return behind(doors, settings)


@pytest.mark.timeout(240)
def test_while_no_server_answers_a_write_with_a_key_is_told_when_to_come_again(
    door: Door, doors: Doors, backend: Backend
) -> None:
    """With the database and Redis both gone 503 and Retry-After, as without a key; later the key does the act, once."""
    teacher, chapter = door.teacher, first_chapter(door.teacher)["id"]
    files = {"file": ("a.csv", b"subject,class,unit,chapter,2024\nPhysics,Class 11,Light,Lenses,3\n")}
    doors.database.refuse()
    doors.redis.refuse()
    for is_known in (True, False):
        if not is_known:
            backend.cache.invalidate("viewers")
        for path, options in (
            ("/chapters", {"json": NEW}),
            (f"/chapters/{chapter}/restore", {}),
            ("/auth/register", {"json": SIGN_UP}),
            ("/chapters/import", {"files": files}),
        ):
            for headers in ({"Idempotency-Key": "k"}, {}):
                answer = teacher("POST", path, headers=headers, **options)
                assert problem(answer, 503)["code"] in ("unavailable", "unconfirmed"), (path, answer.text)
                assert int(answer.headers["Retry-After"]) >= 1
    doors.database.heal()
    doors.redis.heal()

    def status() -> int:
        return teacher.post("/chapters", NEW, headers={"Idempotency-Key": "k"}).status_code

    until(lambda: status() == 201)
    assert status() == 201
    assert [each.chapter for each in backend.chapters.active()].count("Prisms") == 1
