"""Background jobs by HTTP."""

from backend.bootstrap import Backend
from tests.api.caller import Door, problem


def test_an_administrator_lists_jobs_and_runs_one(door: Door, backend: Backend) -> None:
    """The list has plan and runs; a run now is accepted and asked for; an unknown job is not found."""
    backend.runs.plan("retention", "15 4 * * *", "Asia/Kolkata", makes_up=True)
    (job,) = door.admin.get("/admin/jobs").json()["data"]
    assert (job["name"], job["isTended"], job["runs"], job["askedFor"]) == ("retention", True, [], None)
    accepted = door.admin.post("/admin/jobs/retention/run")
    assert accepted.status_code == 202
    assert accepted.json()["data"]["askedFor"] is not None
    assert set(backend.runs.asked()) == {"retention"}
    assert problem(door.admin.post("/admin/jobs/unheard-of/run"), 404)


def test_nobody_else_sees_or_runs_jobs(door: Door, backend: Backend) -> None:
    """Teachers and students are refused, strangers asked to sign in."""
    backend.runs.plan("retention", "15 4 * * *", "Asia/Kolkata", makes_up=True)
    for caller, status in ((door.anyone, 401), (door.student, 403), (door.teacher, 403)):
        assert problem(caller.get("/admin/jobs"), status)
        assert problem(caller.post("/admin/jobs/retention/run"), status)
    assert backend.runs.asked() == {}
