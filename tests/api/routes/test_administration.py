"""What administrators and teachers do by HTTP beside the pages, and what monitors read."""

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.testclient import TestClient

from backend.api import create_api
from backend.bootstrap import Backend, build
from backend.config import Settings
from tests.api.caller import Caller, Door, first_chapter, problem
from tests.school import PASSWORD, School

TOKEN = "a token for the monitor"


def test_a_teacher_is_added_and_sets_her_password(door: Door, backend: Backend) -> None:
    """The one-time token of the answer is the one that the page of new passwords takes."""
    body = {"name": "Nila New", "email": "nila@example.org", "role": "teacher"}
    made = door.admin.post("/admin/users", body)
    assert made.status_code == 201
    user = backend.accounts.reset_password(made.json()["data"]["token"], PASSWORD)
    assert (user.email, user.role) == ("nila@example.org", "teacher")
    assert problem(door.admin.post("/admin/users", body), 409)["code"] == "conflict"
    assert problem(door.admin.post("/admin/users", body | {"role": "student"}), 422)


def test_people_are_found_changed_and_shut_out(door: Door, backend: Backend) -> None:
    """Search, role and activity as on the page; who is shut out is out at once."""
    student = door.student_viewer
    assert door.student.get("/auth/me").status_code == 200
    found = door.admin.get("/admin/users", params={"search": "Sita", "role": "student"}).json()
    assert [each["id"] for each in found["data"]] == [student.id]
    path = f"/admin/users/{student.id}"
    assert door.admin("PATCH", path, json={"isActive": False}).json()["data"]["isActive"] is False
    assert problem(door.student.get("/auth/me"), 401)
    assert problem(door.admin("PATCH", path, json={}), 422)
    assert problem(door.admin.post(f"{path}/reset-link"), 409)
    door.admin("PATCH", path, json={"isActive": True, "role": "teacher"})
    assert door.admin.get(path).json()["data"]["role"] == "teacher"
    assert problem(door.admin("PATCH", f"/admin/users/{door.admin_viewer.id}", json={"role": "student"}), 409)


def test_a_class_lives_by_http(door: Door, school: School) -> None:
    """Made, renamed, joined, left, given a new code, archived and brought back with its members."""
    made = door.teacher.post("/classrooms", {"name": "11 B"})
    path = made.headers["Location"].removeprefix("/api/v1")
    code = made.json()["data"]["joinCode"]
    assert door.student.post("/classrooms/join", {"joinCode": code}).json()["data"]["joinCode"] is None
    changed = door.teacher("PATCH", path, json={"name": "11 C", "boardMode": "off"}).json()["data"]
    assert (changed["name"], changed["boardMode"]) == ("11 C", "off")
    fresh = door.teacher.post(f"{path}/join-code").json()["data"]["joinCode"]
    assert fresh != code
    assert problem(door.student.post("/classrooms/join", {"joinCode": code}), 422)["code"] == "join_code"
    assert door.teacher("DELETE", path).status_code == 200
    assert problem(door.student.get(path), 404)
    assert problem(door.student.post("/classrooms/join", {"joinCode": fresh}), 422)
    archived = door.teacher.get("/classrooms/archived").json()["data"]
    assert [each["name"] for each in archived] == ["11 C"]
    assert door.teacher.post(f"{path}/restore").json()["data"]["archivedAt"] is None
    assert problem(door.teacher.post(f"{path}/restore"), 404)
    student = f"{path}/students/{door.student_viewer.id}"
    assert door.teacher.get(student).json()["data"]["learner"]["name"] == "Sita Student"
    assert [row["id"] for row in door.teacher.get(f"{path}/matrix").json()["data"]["rows"]] == [door.student_viewer.id]
    assert door.teacher("DELETE", student).status_code == 200
    assert problem(door.teacher.get(student), 404)


def test_a_students_own_screens_by_http(door: Door, backend: Backend) -> None:
    """Home and insights are those of the pages."""
    home = door.student.get("/progress/home").json()["data"]
    assert home["summary"]["studentId"] == door.student_viewer.id
    assert door.student.get("/progress/insights").json()["data"]["summary"] == home["summary"]


def test_a_region_of_the_cache_is_emptied(door: Door, backend: Backend) -> None:
    """The regions are named with how they were read; emptying one loses nothing and is written down."""
    first_chapter(door.student)
    regions = {each["name"]: each for each in door.admin.get("/admin/cache").json()["data"]["regions"]}
    assert regions["chapters"]["entries"] == 1
    assert door.admin("DELETE", "/admin/cache/chapters").json()["data"] == {"region": "chapters", "entries": 1}
    assert problem(door.admin("DELETE", "/admin/cache/kitchen"), 404)
    assert first_chapter(door.student)
    assert any(entry.act == "cache.cleared" for entry in backend.audit.entries(door.admin_viewer).entries)


def test_health_in_full_is_for_administrators(door: Door) -> None:
    """The same findings as on the health page, with what to do."""
    checks = door.admin.get("/admin/health").json()["data"]["checks"]
    assert {each["name"] for each in checks} >= {"mongodb", "redis", "disk"}


def test_counts_are_text_that_prometheus_reads(door: Door) -> None:
    """Histograms of requests grow by bucket and end in +Inf; cache, memory and streams stand beside them."""
    first_chapter(door.student)
    answer = door.admin.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = {family.name: family for family in text_string_to_metric_families(answer.text)}
    times = found["chapter_performance_request_seconds"]
    assert times.type == "histogram"
    assert found["chapter_performance_cache_reads"].type == "counter"
    assert found["chapter_performance_open_connections"].type == "gauge"
    login = [each for each in times.samples if each.labels["route"] == "POST /auth/login"]
    buckets = [(each.labels["le"], each.value) for each in login if each.name.endswith("_bucket")]
    assert [count for _edge, count in buckets] == sorted(count for _edge, count in buckets)
    (count,) = (each.value for each in login if each.name.endswith("_count"))
    assert buckets[-1] == ("+Inf", count)
    assert count > 0


@pytest.fixture
def monitored(settings: Settings) -> Iterator[Backend]:
    """A backend whose school has set a token for its monitor."""
    built = build(settings.model_copy(update={"metrics_token": SecretStr(TOKEN)}))
    yield built
    built.close()


def test_a_monitor_reads_by_its_token(door: Door, monitored: Backend) -> None:
    """METRICS_TOKEN opens the counts and nothing else; any other token, and other roles, do not."""
    client = TestClient(create_api(monitored), raise_server_exceptions=False)
    monitor = Caller(client, TOKEN)
    assert "chapter_performance" in monitor.get("/metrics").text
    assert problem(monitor.get("/metrics?nonsense=1"), 422)
    assert problem(monitor.get("/admin/users"), 401)
    for scheme in ("Basic", "Token", ""):
        assert problem(Caller(client).get("/metrics", headers={"Authorization": f"{scheme} {TOKEN}".strip()}), 401)
    for query in ("", "?nonsense=1"):
        assert problem(Caller(client, TOKEN + "x").get(f"/metrics{query}"), 401)
        assert problem(Caller(client).get(f"/metrics{query}"), 401)
    assert problem(door.anyone.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}), 401)
    for caller in (door.student, door.teacher):
        assert problem(caller.get("/metrics"), 403)
