"""The order of every route: who may, then the names of the query, then the body; walked over the whole document."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from backend.api import create_api
from backend.api.deps import monitor, signed_in
from backend.api.openapi.permissions import ROUTES
from backend.api.router import DecidingRoute, calls_of
from backend.policy import ACTS
from tests.api.caller import Caller, Door, first_chapter, problem, unlimited
from tests.policy.world import ROLES

__all__ = ["unlimited"]

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
LARGE = {"Content-Type": "application/json", "Content-Length": str(60 * 1024**2)}


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


@pytest.mark.timeout(240)
def test_who_may_is_said_before_what_is_wrong(door: Door, unlimited: None) -> None:
    """A role without any right hears 401 or 403, whatever its body, size, query, ids and key; others never do.

    A token that is not valid is 401 on every route that asks who calls.
    """
    callers, tried = by_role(door), 0
    bad = {"Authorization": "Bearer nonsense"}
    for route, address, operation in documented(door):
        if "security" in operation and operation["security"] != []:
            answer = door.anyone(route.partition(" ")[0], address + "?nonsense=1", headers=bad | LARGE, content=b"x")
            assert answer.status_code == 401, (route, answer.text)
        for role, caller in callers.items():
            expected = refusal_of(route, role)
            if expected is None:
                continue
            for path, query, body, headers in wrongs(route, address):
                answer = caller(route.partition(" ")[0], path + query, content=body, headers=headers)
                assert answer.status_code == expected, (route, role, path, query, body, headers, answer.text)
                tried += 1
    assert tried >= 2000


def wrongs(route: str, address: str) -> Iterator[tuple[str, str, bytes, dict[str, str]]]:
    """Requests of a route with all kinds of mistakes: address, query, body, headers."""
    key = {"Idempotency-Key": "not plain"}
    for query in ("?nonsense=1&limit=x", "?limit=1&limit=2", ""):
        yield address, query, b"", {}
        yield address, query, b"x", LARGE
    for bad_id in ("x" * 100, "%00", "%F0%9F%92%A9", "%22"):
        yield address.replace("nothing", bad_id), "?nonsense=1", b"", key
    yield address, "?search=" + "a" * 20_000, b"", {"X-A": "a" * 40_000}
    if not route.startswith("GET"):
        for body, kind in BODIES:
            yield address, "?nonsense=1&limit=x", body, key | {"Content-Type": kind} if kind else {}


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
                {"field": name, "problem": "This parameter is given more than once."}
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
            assert not [each for each in fields if "no such parameter" in each["problem"]], (route, answer.text)


def test_every_route_decides_before_it_reads() -> None:
    """No router was made without: each route that is not for anybody asks who calls ahead of all else."""
    for context in iter_route_contexts(create_api().routes):
        route = context.original_route
        if not context.methods:
            continue
        assert isinstance(route, DecidingRoute), context.path
        name = f"{next(iter(context.methods))} {context.path}"
        line = ACTS.get(ROUTES[name])
        if line and not line.nobody:
            assert {signed_in, monitor} & set(calls_of(route.dependant)), name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b'{"questionsDelta": 5, "questionsDelta": 6}', "questionsDelta"),
        (b'{"questionsDelta": 5, "questionsDelta": 5}', "questionsDelta"),
        (b'{"questionsDelta": 5, "questions\\u0044elta": 6}', "questionsDelta"),
        (b'{"nonsense": {"a": [{"b": 1, "b": 2}]}}', "b"),
    ],
)
def test_a_name_given_twice_in_a_body_is_refused(door: Door, text: bytes, name: str) -> None:
    """None of two values is guessed to be meant, however deep they stand or the name is written, with a key or without.

    Nothing is saved, and the key is free for the request as it should be.
    """
    path, kind = f"/chapters/{first_chapter(door.student)['id']}/progress", {"Content-Type": "application/json"}
    for key in ({}, {"Idempotency-Key": "act-1"}):
        error = problem(door.student("POST", path, content=text, headers=kind | key), 422)
        assert error["details"]["fields"] == [{"field": name, "problem": "This parameter is given more than once."}]
    assert first_chapter(door.student)["questionSolved"] == 0
    well = {"Idempotency-Key": "act-1"}
    assert door.student.post(path, {"questionsDelta": 6}, headers=well).status_code == 200
    twice = door.student("POST", path, content=b'{"questionsDelta": 5, "questionsDelta": 6}', headers=kind | well)
    assert twice.status_code in (409, 422)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_is_no_number_of_json_is_no_json(door: Door, number: bytes) -> None:
    """NaN and Infinity are 400."""
    body = b'{"dailyGoal": ' + number + b"}"
    answer = door.student("PATCH", "/auth/me", content=body, headers={"Content-Type": "application/json"})
    assert problem(answer, 400)["code"] == "malformed"


def test_a_form_field_given_twice_is_refused(door: Door) -> None:
    """Neither two choices nor two names in a choice are taken by the last."""
    part = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    file, end = part % (b"file", b'; filename="a.csv"', b"chapter,status\nA,Completed"), b"--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    for choices, name in (((b"{}", b"{}"), "choices"), ((b'{"1": null, "1": "x"}',), "1")):
        body = file + b"".join(part % (b"choices", b"", each) for each in choices) + end
        error = problem(door.student("POST", "/progress/import", content=body, headers=headers), 422)
        assert [each["field"] for each in error["details"]["fields"]] == [name]
