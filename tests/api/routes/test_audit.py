"""The audit trail by HTTP."""

from backend.audit.models import AuditFilter
from backend.bootstrap import Backend
from tests.api.caller import Door, problem


def test_it_is_read_in_pages_with_where_each_act_came_from(door: Door) -> None:
    """The cursor goes on where the page ended; the address, program and request id of the call stand in the entry."""
    names = {"X-Request-Id": "trace-me-12345", "User-Agent": "timetable/2", "Cookie": "browser=a-secret-name"}
    body = {"subject": "Physics", "class": "Class 11", "unit": "Light", "chapter": "Prisms"}
    made = door.teacher.post("/chapters", body, headers=names).json()["data"]
    first = door.admin.get("/admin/audit?limit=1").json()["data"]
    (entry,) = first["entries"]
    assert (entry["act"], entry["targetId"], entry["after"]["chapter"]) == ("chapter.created", made["id"], "Prisms")
    assert entry["origin"].pop("browser") == ""  # tickets are bound to it: never kept
    assert entry["origin"] == {"address": "testclient", "agent": "timetable/2", "requestId": "trace-me-12345"}
    assert first["names"] == {door.teacher_viewer.id: "Tara Teacher"}
    older = door.admin.get(f"/admin/audit?limit=1&before={first['nextBefore']}").json()["data"]
    assert older["entries"][0]["id"] == entry["id"] - 1


def test_its_filters_are_those_of_the_page(door: Door, backend: Backend) -> None:
    """Person, act and time narrow the list as they do for the service."""
    teacher = door.teacher_viewer.id
    by_service = backend.audit.entries(door.admin_viewer, AuditFilter(people=(teacher,))).entries
    by_http = door.admin.get(f"/admin/audit?person={teacher}").json()["data"]["entries"]
    assert [each["id"] for each in by_http] == [each.id for each in by_service]
    assert door.admin.get("/admin/audit?act=backup.restored").json()["data"]["entries"] == []
    assert door.admin.get("/admin/audit?since=2030-01-01T00:00:00Z").json()["data"]["entries"] == []
    problem(door.admin.get("/admin/audit?since=yesterday"), 422)
    for edge in ("0001-01-01T00:00:00%2B05:30", "9999-12-31T23:59:59-05:30"):  # no such time in UTC
        problem(door.admin.get(f"/admin/audit?since={edge}"), 422)
        problem(door.admin.get(f"/admin/backups/preview?until={edge}"), 422)
    problem(door.admin.get("/admin/audit?before[$gt]=0&before=x"), 422)


def test_it_is_for_administrators(door: Door) -> None:
    """Teachers, students and anybody else are refused, and there is no way to write to it."""
    for path in ("/admin/audit", "/admin/audit/check"):
        problem(door.teacher.get(path), 403)
        problem(door.student.get(path), 403)
        problem(door.anyone.get(path), 401)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            problem(door.admin(method, path), 405)
    assert door.admin.get("/admin/audit/check").json()["data"]["brokenAt"] is None
