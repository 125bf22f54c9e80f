"""Lists in pages: a cursor neither skips nor repeats, whatever comes or goes while somebody reads on."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.api.schemas.pagination import Place, cursor, paged
from backend.api.schemas.requests import Page
from backend.bootstrap import Backend
from backend.errors import Invalid
from backend.progress.models import ProgressChange
from tests.api.caller import Caller, Door, problem
from tests.school import School

Row = tuple[str, int]
ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60)), unique=True, max_size=20)


def _read(body: bytes) -> tuple[list[Row], str | None]:
    answer = json.loads(body)
    return [(name, number) for name, number in answer["data"]], answer["pagination"]["nextCursor"]


@settings(max_examples=150, deadline=None)
@given(start=ROWS, changes=st.lists(st.tuples(ROWS, ROWS), max_size=6), limit=st.integers(1, 5), down=st.booleans())
def test_what_stays_is_seen_once(
    start: list[Row], changes: list[tuple[list[Row], list[Row]]], limit: int, down: bool
) -> None:
    """Rows come and go between pages: all that were there throughout are seen, and none is seen twice."""
    rows, seen, after, steps = set(start), [], None, list(changes)
    stayed = set(start)
    while True:
        page, after = _read(bytes(paged(sorted(rows), Page(limit=limit, after=after), _place, descending=down).body))
        seen += page
        if after is None:
            break
        if steps:
            added, removed = steps.pop()
            rows = (rows | set(added)) - set(removed)
            stayed -= set(removed)
    assert len(seen) == len(set(seen))
    assert stayed <= set(seen)


def _place(row: Row) -> Place:
    return row


@pytest.mark.parametrize(
    "after", ["x", "bnVsbA==", "eyJhIjogMX0=", "W10=", cursor((1, "a")), cursor(("a", "b", "c")), "é"]
)
def test_a_foreign_cursor_is_refused(after: str) -> None:
    """What was not given out for this list is Invalid, or a place in it; never a crash."""
    try:
        paged([("a", 1), ("b", 2)], Page(after=after), _place)
    except Invalid as error:
        assert "cursor" in error.message


def test_each_list_is_walked_by_its_cursor(door: Door, school: School, backend: Backend) -> None:
    """Every list of the API gives the same rows by cursor as in one page, once each, while rows are added."""
    for number in range(5):
        school.classroom(door.teacher_viewer, f"Class {number}")
        school.student(door.classroom, f"Student {number}")
        chapter = backend.chapters.active()[0].id
        backend.progress.change(door.student_viewer, chapter, ProgressChange(questions_delta=1), key=str(number))
        archived = school.classroom(door.teacher_viewer, f"Old {number}")
        backend.classrooms.archive(door.teacher_viewer, archived.id)
        backend.chapters.archive(door.teacher_viewer, backend.chapters.active()[3].id)
    lists = {
        "/chapters?subject=Physics": door.student,
        "/chapters/archived": door.teacher,
        "/classrooms": door.teacher,
        "/classrooms/archived": door.teacher,
        f"/classrooms/{door.classroom.id}/students": door.teacher,
        f"/chapters/{chapter}/history": door.student,
        "/admin/users": door.admin,
    }
    for path, caller in lists.items():
        whole = _ids(caller, path, 200)
        assert len(whole) >= 5, path
        assert _walked(caller, path, lambda: None) == whole, path
    newcomers: list[str] = []
    names = iter(("Aaa", "Student 2", "zzz"))

    def join() -> None:
        if name := next(names, None):
            newcomers.append(school.teacher(door.admin_viewer, name).id)

    grown = _walked(door.admin, "/admin/users", join)
    assert len(newcomers) == 3
    assert len(grown) == len(set(grown))
    assert set(grown) >= set(_ids(door.admin, "/admin/users", 200)) - set(newcomers)


def test_people_are_not_found_behind_a_foreign_cursor(door: Door) -> None:
    """The list of people reads its place in the database: what is not a name and an id is refused."""
    for after in ("x", cursor((1, 2)), cursor(("a",)), cursor(("a", "b", "c"))):
        assert problem(door.admin.get("/admin/users", params={"after": after}), 422)["code"] == "invalid"


def _ids(caller: Caller, path: str, limit: int, after: str | None = None) -> list[str]:
    return [each["id"] for each in _page(caller, path, limit, after)["data"]]


def _page(caller: Caller, path: str, limit: int, after: str | None) -> Any:
    joined = "&" if "?" in path else "?"
    answer = caller.get(f"{path}{joined}limit={limit}" + (f"&after={after}" if after else ""))
    assert answer.status_code == 200, answer.text
    return answer.json()


def _walked(caller: Caller, path: str, between: Callable[[], None]) -> list[str]:
    seen: list[str] = []
    after = None
    while True:
        page = _page(caller, path, 2, after)
        seen += [each["id"] for each in page["data"]]
        after = page["pagination"]["nextCursor"]
        if after is None:
            return seen
        between()
