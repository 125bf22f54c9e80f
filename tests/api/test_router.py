"""The order of every route: who may, then the names of the query, then the body; walked over the whole document."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from backend.api import create_api
from backend.api.deps import signed_in
from backend.api.openapi.permissions import ROUTES
from backend.api.router import DecidingRoute, calls_of
from backend.policy import ACTS
from tests.api.caller import Caller, Door, problem
from tests.policy.world import ROLES

BODIES: tuple[tuple[bytes, str], ...] = (
    (b"", "application/json"),
    (b"{", "application/json"),
    (b"[]", "application/json"),
    (b'{"nonsense": true}', "application/json"),
    (b"\xff\xfe", "application/json"),
    (b"a=b", "application/x-www-form-urlencoded"),
    (b"--b\r\nbroken", "multipart/form-data; boundary=b"),
    (b"", ""),
)
STREAMS = ("GET /events", "GET /chapters/{chapterId}/progress-stream")
# A browser is led to a page that says why; monitors have a token of their own.
DECIDES_ITSELF = frozenset({"GET /admin/backups/{backupId}/file", "GET /metrics"})


def documented(door: Door) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation of the document: route, address with ids of nothing, description."""
    for path, operations in door.anyone.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            yield f"{method.upper()} {path}", re.sub(r"{\w+}", "nothing", path), operation


def by_role(door: Door) -> dict[str, Caller]:
    return dict(zip(ROLES, (door.anyone, door.student, door.teacher, door.admin), strict=True))


def refusal_of(route: str, role: str) -> int | None:
    """What a role that may never do the act of a route is told."""
    line = ACTS.get(ROUTES[route])
    if line is None or line.nobody or getattr(line, role):
        return None
    return 401 if role == "nobody" else 403


@pytest.mark.timeout(180)
def test_who_may_is_said_before_what_is_wrong(door: Door) -> None:
    """A role without any right hears 401 or 403, whatever its body, query, key and form; the others never do."""
    callers, tried = by_role(door), 0
    for route, address, _operation in documented(door):
        method = route.partition(" ")[0]
        for role, caller in callers.items():
            expected = refusal_of(route, role)
            if expected is None:
                continue
            for body, kind in BODIES if method != "GET" else BODIES[-1:]:
                headers = {"Content-Type": kind, "Idempotency-Key": "not plain"} if kind else {}
                query = "" if route in DECIDES_ITSELF else "?nonsense=1&limit=x"
                answer = caller(method, address + query, content=body, headers=headers)
                assert answer.status_code == expected, (route, role, body, answer.text)
                tried += 1
    assert tried >= 900


def test_a_student_is_not_told_what_a_chapter_wants(door: Door) -> None:
    """403 and nothing of fields, for a body that lacks them all; a teacher is told them."""
    bodies: tuple[Any, ...] = ({}, {"subject": 3}, [])
    for body in bodies:
        assert "details" not in problem(door.student.post("/chapters", body), 403)
        assert problem(door.anyone.post("/chapters", body), 401)
        assert problem(door.teacher.post("/chapters", body), 422)["details"]["fields"]


def test_what_exists_is_no_ones_business(door: Door) -> None:
    """A teacher hears the same of a class of others and of none, whatever the body."""
    stranger = door.as_(door._school.teacher(door.admin_viewer))
    for body in ({"name": "New"}, {"name": "", "boardMode": "x"}, {}):
        answers = [stranger("PATCH", f"/classrooms/{each}", json=body) for each in (door.classroom.id, "nothing")]
        errors = [each.json()["error"] | {"requestId": ""} for each in answers]
        assert (answers[0].status_code, errors[0]) == (answers[1].status_code, errors[1])


@pytest.mark.timeout(180)
def test_unknown_names_in_a_query_are_refused(door: Door) -> None:
    """On every documented route, each time they are named, and known ones given twice; nothing was done."""
    callers, tried = by_role(door), 0
    for route, address, operation in documented(door):
        method = route.partition(" ")[0]
        known = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        roles = operation.get("x-roles", ["admin"])
        caller = callers[roles[-1]]
        for name in ("nonsense", "Page", "limit "):
            assert name not in known
            answer = caller(method, address, params={name: "1"})
            error = problem(answer, 422)
            assert (error["code"], error["details"]["fields"][0]["field"]) == ("invalid", name), (route, answer.text)
            tried += 1
        for name in known:
            answer = caller(method, address, params=[(name, "1"), (name, "2")])
            assert problem(answer, 422)["details"]["fields"] == [
                {"field": name, "problem": "This name is given more than once."}
            ], (route, answer.text)
    assert tried > 200


def test_known_names_are_taken(door: Door) -> None:
    """No route refuses a name that the document gives it; the names of dependencies and of query shapes are known."""
    callers = by_role(door)
    for route, address, operation in documented(door):
        method = route.partition(" ")[0]
        known = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
        if not known or route in STREAMS:
            continue
        answer = callers[operation.get("x-roles", ["admin"])[-1]](method, address, params=dict.fromkeys(known, "?"))
        if answer.status_code == 422:
            fields = answer.json()["error"].get("details", {}).get("fields", ())
            assert not [each for each in fields if "no such name" in each["problem"]], (route, answer.text)


def test_every_route_decides_before_it_reads() -> None:
    """No router was made without: each route for members asks who they are ahead of all else."""
    behind = set()
    for context in iter_route_contexts(create_api().routes):
        route = context.original_route
        if not context.methods:
            continue
        assert isinstance(route, DecidingRoute), context.path
        name = f"{next(iter(context.methods))} {context.path}"
        line = ACTS.get(ROUTES[name])
        if line and not line.nobody and signed_in not in calls_of(route.dependant):
            behind.add(name)
    assert behind == DECIDES_ITSELF
