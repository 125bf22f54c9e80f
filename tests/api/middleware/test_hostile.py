"""Hostile callers: operators where texts belong, on every route; paths that climb; secrets that must not be logged."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from backend.bootstrap import Backend
from backend.kit.observability import log
from tests.api.caller import Caller, Door
from tests.policy.world import ROLES
from tests.school import PASSWORD

OPERATORS: tuple[Any, ...] = ({"$ne": None}, {"$gt": ""}, {"$regex": ".*"}, {"$where": "1"}, [{"$ne": None}])
OPEN = frozenset({"/health", "/health/live", "/health/ready"})
STREAMS = frozenset({"/events", "/chapters/{chapterId}/progress-stream"})
CLIMBING = (
    "/api/v1/../../etc/passwd",
    "/assets/../app.py",
    "/assets/..%2f..%2fapp.py",
    "/assets/%2e%2e/app.py",
    "/docs.css/../../../../etc/passwd",
    "/chapters/..%2f..%2fetc%2fpasswd",
)


def operations(door: Door) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every documented route that is no stream: path, method, description."""
    document = door.anyone.get("/openapi.json").json()
    for path, found in document["paths"].items():
        for method, operation in found.items():
            if path not in STREAMS:
                yield path, method.upper(), operation


def body_of(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """The fields of a route's JSON body by name."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = content.get("$ref", "").rpartition("/")[2]
    fields: dict[str, Any] = document["components"]["schemas"].get(name, {}).get("properties", {})
    return fields


@pytest.fixture
def callers(door: Door) -> tuple[Caller, ...]:
    return (door.anyone, door.student, door.teacher, door.admin)


def test_no_body_passes_an_operator_on(door: Door, callers: tuple[Caller, ...]) -> None:
    """A query operator in the place of any field of any body is refused by every route, to whoever may use it too."""
    document, tried, by_field = door.anyone.get("/openapi.json").json(), 0, 0
    for path, method, operation in operations(door):
        for field, schema in body_of(document, operation).items():
            if "object" in str(schema.get("type")) or "$ref" in str(schema):
                continue  # an object belongs there; what it may hold is the next test's
            may = callers[ROLES.index(operation.get("x-roles", ["nobody"])[-1])]
            for caller in (callers[0], may):
                answer = caller(method, re.sub(r"{\w+}", "unknown", path), json={field: OPERATORS[tried % 5]})
                assert 400 <= answer.status_code < 500, (method, path, field, answer.status_code)
            tried, by_field = tried + 1, by_field + (answer.status_code == 422)
    assert by_field > tried / 2 > 20  # and were not refused for another reason


def test_no_query_passes_an_operator_on(door: Door, callers: tuple[Caller, ...]) -> None:
    """Neither as name[$ne] nor as a text that looks like one does an operator reach the database by a query string."""
    for path, method, operation in operations(door):
        if method != "GET" or path in OPEN:
            continue
        names = [each["name"] for each in operation.get("parameters", ()) if each.get("in") == "query"]
        address = re.sub(r"{\w+}", "unknown", path)
        for name in names:
            answer = callers[-1].get(address, params={f"{name}[$ne]": "x"})
            assert answer.status_code != 500, (path, name)
            odd = callers[-1].get(address, params={name: '{"$ne": null}'})
            assert odd.status_code != 500, (path, name)


def test_no_path_passes_an_operator_on(door: Door, callers: tuple[Caller, ...]) -> None:
    """An id that is an operator is an id that does not exist."""
    for path, method, _operation in operations(door):
        if "{" in path:
            address = re.sub(r"{\w+}", "%7B%22$ne%22:null%7D", path)
            for caller in (callers[1], callers[-1]):
                answer = caller(method, address, json={} if method != "GET" else None)
                assert 400 <= answer.status_code < 500, (method, path, answer.status_code)


def test_no_path_climbs_out(door: Door) -> None:
    """Whatever dots and encodings a path has, no file of the server is given out by it."""
    for path in CLIMBING:
        answer = door.admin.get(path)
        assert answer.status_code in (400, 404), path
        assert "root:" not in answer.text
        assert "st.App" not in answer.text


def test_no_secret_is_logged(door: Door, backend: Backend, capfd: pytest.CaptureFixture[str]) -> None:
    """After signing up, in, wrongly, anew and out, by program and by link, the log at its finest has no secret."""
    log.configure("DEBUG")
    try:
        secrets = journey(door, backend)
        log.get("test").info("journey_over")
    finally:
        said = capfd.readouterr()
        log.configure("INFO")
    assert len(secrets) > 8
    for secret in secrets:
        assert secret not in said.err
        assert secret not in said.out
    assert "journey_over" in said.err  # the log was read


def journey(door: Door, backend: Backend) -> list[str]:
    """Every way in and out; all secrets that were sent or given out on it."""
    wrong, new = "a wrong guess indeed", "another long password"
    pair = door.anyone.post("/auth/login", {"email": door.teacher_viewer.email, "password": PASSWORD}).json()["data"]
    fresh = door.anyone.post("/auth/refresh", {"refreshToken": pair["refreshToken"]}).json()["data"]
    door.anyone.post("/auth/refresh", {"refreshToken": pair["refreshToken"]})
    door.anyone.post("/auth/login", {"email": door.teacher_viewer.email, "password": wrong})
    code = str(door.classroom.join_code)
    body = {"email": "new@example.org", "password": new, "name": "New", "joinCode": code}
    signed_up = door.anyone.post("/auth/register", body).json()["data"]
    link = backend.administration.make_reset_link(door.admin_viewer, door.student_viewer.id)
    backend.accounts.reset_password(link.token, new)
    ticket = backend.sign_in.issue_ticket(backend.accounts.me(door.teacher_viewer), "the browser's own name")
    session = backend.sign_in.redeem_ticket(ticket, "the browser's own name", "test")
    door.anyone("GET", "/auth/me", headers={"Authorization": f"Bearer {fresh['accessToken']}x", "Cookie": session})
    given = [each for each in signed_up.values() if isinstance(each, str) and len(each) > 20]
    tokens = [pair["refreshToken"], pair["accessToken"], fresh["accessToken"], fresh["refreshToken"]]
    return [PASSWORD, wrong, new, link.token, ticket, session, code, *tokens, *given]
