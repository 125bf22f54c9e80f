"""A person's rights by HTTP."""

import io
import json
import zipfile

from tests.api.caller import Door, problem


def test_the_download_is_a_zip_of_ones_own(door: Door) -> None:
    """It is streamed as an attachment that nobody may keep, and holds the caller's account."""
    answer = door.student.get("/me/export")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data-2026-11-18.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        (account,) = json.loads(archive.read("account.json"))
    assert account["email"] == door.student_viewer.email
    problem(door.anyone.get("/me/export"), 401)


def test_a_deletion_is_asked_for_and_called_off(door: Door) -> None:
    """Asked for once, seen with its date, called off once."""
    assert door.student.get("/me/deletion").json()["data"] == {"deletion": None}
    asked = door.student.post("/me/deletion")
    assert (asked.status_code, asked.json()["data"]["dueAt"]) == (201, "2026-12-02T06:30:00Z")
    problem(door.student.post("/me/deletion"), 409)
    assert door.student.get("/me/deletion").json()["data"]["deletion"] == asked.json()["data"]
    assert door.student("DELETE", "/me/deletion").status_code == 200
    problem(door.student("DELETE", "/me/deletion"), 404)


def test_administrators_act_for_others(door: Door) -> None:
    """They alone see all that stand, ask for somebody, and call it off."""
    path = f"/admin/deletions/{door.student_viewer.id}"
    for caller in (door.student, door.teacher):
        problem(caller.get("/admin/deletions"), 403)
        problem(caller.post(path), 403)
        problem(caller("DELETE", path), 403)
    assert door.admin.post(path).status_code == 201
    (shown,) = door.admin.get("/admin/deletions").json()["data"]
    assert (shown["name"], shown["deletion"]["requestedBy"]) == ("Sita Student", door.admin_viewer.id)
    assert door.admin.post(f"/admin/deletions/{door.teacher_viewer.id}").status_code == 201
    first = door.admin.get("/admin/deletions?limit=1").json()
    assert (first["pagination"]["total"], len(first["data"])) == (2, 1)
    second = door.admin.get(f"/admin/deletions?limit=1&after={first['pagination']['nextCursor']}").json()
    assert {each["name"] for each in first["data"] + second["data"]} == {"Sita Student", "Tara Teacher"}
    assert second["pagination"]["nextCursor"] is None
    assert door.admin("DELETE", path).status_code == 200
    problem(door.admin.post("/admin/deletions/unknown"), 404)
