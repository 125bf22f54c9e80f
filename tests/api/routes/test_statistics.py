"""Statistics, classes, leaderboards and health by HTTP."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from backend.accounts.models import ProfileChange
from backend.api import create_api
from backend.api.schemas.responses import OwnAverage
from backend.bootstrap import Backend
from backend.kit.clock import SetClock
from backend.operations.models import Process, Readiness, Status
from tests.api.caller import Door, as_json, first_chapter, problem
from tests.school import School, altered
from tests.statistics.builders import settle


def test_statistics_are_grouped_as_asked(door: Door) -> None:
    """One row for each subject and class; a grouping that is unknown or repeated is refused."""
    rows = door.student.get("/statistics?groupBy=subject,class").json()["data"]["rows"]
    assert sum(row["chapters"] for row in rows) == 101
    assert len({(row["subject"], row["class"]) for row in rows}) == len(rows)
    for wrong in ("name", "subject,subject", "subject,", ""):
        assert problem(door.student.get(f"/statistics?groupBy={wrong}"), 422)
    assert problem(door.anyone.get("/statistics"), 401)


def test_classes_are_listed_without_join_codes_for_students(door: Door) -> None:
    """A teacher sees her classes with their codes, a student hers without."""
    (taught,) = door.teacher.get("/classrooms").json()["data"]
    assert taught["joinCode"] == door.classroom.join_code
    (own,) = door.student.get("/classrooms").json()["data"]
    assert (own["id"], own["joinCode"]) == (taught["id"], None)
    assert problem(door.anyone.get("/classrooms"), 401)


def test_a_teacher_sees_her_class_and_nobody_elses(door: Door, school: School) -> None:
    """Figures and learners for its teacher and admins; another teacher is told there is no such class."""
    other = door.as_(school.teacher(door.admin_viewer, "Other"))
    for path in (f"/classrooms/{door.classroom.id}/statistics", f"/classrooms/{door.classroom.id}/students"):
        assert door.teacher.get(path).status_code == door.admin.get(path).status_code == 200
        assert problem(other.get(path), 404)
        assert problem(door.student.get(path), 403)
        assert problem(door.anyone.get(path), 401)
    assert door.teacher.get(f"/classrooms/{door.classroom.id}/statistics").json()["data"]["figures"]["learners"] == 1


def test_the_class_by_http_is_the_class_on_the_page(door: Door, backend: Backend, school: School) -> None:
    """Learners come in pages, in the order and with the numbers of the report."""
    for name in ("Anu", "Binu", "Chitra"):
        school.student(door.classroom, name)
    path = f"/classrooms/{door.classroom.id}/students?limit=3"
    first, second = door.teacher.get(path).json(), door.teacher.get(f"{path}&page=2").json()
    cursor = first["pagination"].pop("nextCursor")
    assert first["pagination"] == {"page": 1, "limit": 3, "total": 4, "totalPages": 2}
    assert door.teacher.get(f"{path}&after={cursor}").json()["data"] == second["data"]
    report = backend.reports.report(door.teacher_viewer, door.classroom.id)
    assert first["data"] + second["data"] == as_json(report.learners)


def test_a_leaderboard_shows_those_who_joined(door: Door, backend: Backend) -> None:
    """Not joined: a count and the reason; joined: herself, under the name she chose, beside her neighbours."""
    student = door.student
    assert student.get("/leaderboard").json()["data"]["reason"]
    backend.accounts.update_profile(door.student_viewer, ProfileChange(board_joined=True, board_name="Comet"))
    student.post(f"/chapters/{first_chapter(student)['id']}/progress", {"questionsDelta": 3})
    board = student.get(f"/leaderboard?scope={door.classroom.id}&period=all&around=me").json()["data"]
    assert board["me"] == {"rank": 1, "name": "Comet", "score": 3, "isMe": True}
    assert board["around"] == [board["me"]]
    for wrong in ("period=year", "measure=luck", "limit=0", "around=3"):
        assert problem(student.get(f"/leaderboard?{wrong}"), 422)
    assert problem(student.get("/leaderboard?scope=nope"), 404)
    assert problem(door.anyone.get("/leaderboard"), 401)


def test_health_is_open_and_says_what_works(door: Door) -> None:
    """Anyone may ask; services, uptime and memory are told."""
    for path in ("/health", "/health/live", "/health/ready"):
        assert door.anyone.get(path).status_code == 200
    health = door.anyone.get("/health").json()["data"]
    assert {"mongodb", "redis"} <= {each["name"] for each in health["services"]}
    assert health["uptimeSeconds"] >= 0
    assert health["memoryBytes"] > 0


class _Broken:
    """Operations of a system whose database has gone; only what the routes ask for."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def status(self) -> Status:
        status: Status = self._real.status()
        return msgspec.structs.replace(status, is_ready=False, state="critical")

    def ready(self) -> Readiness:
        return Readiness(is_ready=False, checks=())

    def live(self) -> Process:
        process: Process = self._real.live()
        return process


@pytest.mark.parametrize(("path", "status"), [("/health", 503), ("/health/ready", 503), ("/health/live", 200)])
def test_a_process_that_cannot_serve_says_so_and_lives_on(backend: Backend, path: str, status: int) -> None:
    """Without its database health and readiness are 503 with the findings, and the process is still alive."""
    operations: Any = _Broken(backend.operations)
    get: Callable[[str], Any] = TestClient(create_api(altered(backend, operations=operations))).get
    answer = get(path)
    assert answer.status_code == status
    if status == 503:
        assert problem(answer, 503)["details"]["isReady"] is False


def test_figures_are_sent_once(door: Door, clock: SetClock) -> None:
    """Unchanged figures are 304 however late it is; no cache gives them to whoever is no longer signed in."""
    of_class, private = f"/classrooms/{door.classroom.id}/statistics", "private, no-cache"
    for caller, path in (
        (door.student, "/statistics"),
        (door.teacher, "/statistics"),
        (door.teacher, of_class),
        (door.teacher, "/leaderboard"),
    ):
        answer = caller.get(path)
        assert answer.headers["Cache-Control"] == private
        clock.advance(timedelta(seconds=40))
        again = caller.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b""), path
        assert again.headers["Cache-Control"] == private


def test_figures_of_a_class_come_with_its_groups(door: Door, backend: Backend) -> None:
    """Rows by group as for everyone, and histograms that hold every learner, as the services give them."""
    path = f"/classrooms/{door.classroom.id}/statistics"
    found = door.teacher.get(f"{path}?groupBy=unit").json()["data"]
    sums = backend.class_statistics.statistics(door.teacher_viewer, door.classroom.id, "unit")
    assert (found["groupBy"], found["rows"]) == (["unit"], as_json(sums.rows))
    assert sum(each["students"] for each in found["distribution"]["completion"]) == found["figures"]["learners"]
    assert [row["subject"] for row in door.teacher.get(path).json()["data"]["rows"]] == [
        "Physics",
        "Chemistry",
        "Mathematics",
    ]
    assert problem(door.teacher.get(f"{path}?groupBy=luck"), 422)


def test_a_student_has_the_average_of_her_classes(
    door: Door, school: School, backend: Backend, clock: SetClock
) -> None:
    """Among few none; beside five who count the page's figure, in steps; nobody but students has one."""
    chapter = backend.chapters.active()[0].id
    path = f"/chapters/{chapter}/average"
    assert door.student.get(path).json()["data"] == {"average": None}
    assert problem(door.teacher.get(path), 403)
    assert problem(door.student.get("/chapters/unknown/average"), 404)
    mates = [school.student(door.classroom, f"Mate {number}") for number in range(6)]
    settle(backend, clock, mates)
    found = OwnAverage(average=backend.class_statistics.chapter_average(mates[0], chapter))
    assert as_json(found) == {"average": {"students": 5, "completed": 0, "averageSolved": 30}}


def test_how_all_students_spread_is_for_staff(door: Door) -> None:
    """Histograms and weeks of the whole school for teachers and admins; a student has her own beside averages."""
    for path in ("/statistics/distribution", "/statistics/weeks"):
        assert door.teacher.get(path).status_code == door.admin.get(path).status_code == 200
        assert problem(door.student.get(path), 403)
        assert problem(door.anyone.get(path), 401)
    assert problem(door.teacher.get("/statistics/distribution?subject=Alchemy"), 404)
    assert len(door.teacher.get("/statistics/weeks").json()["data"]) == 12
    rows = door.student.get("/statistics/comparison").json()["data"]["rows"]
    assert {(row["classes"], row["everyone"]) for row in rows} == {(None, None)}
    assert problem(door.teacher.get("/statistics/comparison"), 403)
