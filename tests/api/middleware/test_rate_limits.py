"""Limits at the door: who is counted, what is said, and who is not held up."""

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from backend.api import create_api
from backend.api.middleware import rate_limits as limits_door
from backend.api.middleware.rate_limits import kind_of
from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.kit.clock import SetClock
from tests.api.caller import Caller, Door, problem
from tests.school import School

POLICY = re.compile(r'"[a-z -]+";q=[1-9]\d*;w=\d+(, "[a-z -]+";q=[1-9]\d*;w=\d+)*')
LEFT = re.compile(r'"[a-z -]+";r=\d+;t=\d+(, "[a-z -]+";r=\d+;t=\d+)*')


@pytest.fixture
def strict(settings: Settings, clock: SetClock) -> Iterator[Backend]:
    """A school whose programs may do very little."""
    little = {
        "rate_limit_anonymous": "3/hour",
        "rate_limit_user": "5/hour",
        "rate_limit_premium": "9/hour",
        "rate_limit_burst": "50/second",
    }
    built = build(settings.model_copy(update=little), clock=clock)
    try:
        yield built
    finally:
        built.close()


def calls(caller: Caller, count: int, path: str = "/chapters?limit=1") -> list[int]:
    return [caller.get(path).status_code for _call in range(count)]


def test_what_strangers_ask_for_fills_no_memory() -> None:
    """The kind of a path is remembered for paths as our pages ask for them, and found anew for endless ones."""
    before = limits_door._known_kind.cache_info().currsize
    assert kind_of("/" + "x" * 50_000 + "/export") == "export"
    assert limits_door._known_kind.cache_info().currsize == before


def test_who_is_not_signed_in_has_the_smallest_allowance(strict: Backend) -> None:
    """Three an hour here: the fourth is refused, with when to come back, and what was allowed."""
    anyone = Caller(TestClient(create_api(strict)))
    assert calls(anyone, 3) == [200, 200, 200]
    refused = anyone.get("/chapters?limit=1")
    error = problem(refused, 429)
    assert error["code"] == "rate_limited"
    assert error["message"] == "That was too much at once. You can continue in 20 minutes."
    assert 1140 <= int(refused.headers["Retry-After"]) <= 1200
    assert refused.headers["RateLimit-Policy"] == '"anonymous";q=3;w=3600, "burst";q=50;w=1'
    assert refused.headers["RateLimit"].startswith(f'"anonymous";r=0;t={refused.headers["Retry-After"]},')


def test_a_person_has_an_allowance_of_her_own(strict: Backend) -> None:
    """Five an hour wherever she calls from, whatever others at her address have used up."""
    door = Door(strict, School(strict))
    student, teacher = door.student, door.teacher
    assert calls(door.anyone, 5) == [200, 200, 200, 429, 429]
    assert calls(student, 6) == [200] * 5 + [429]
    assert calls(teacher, 1) == [200]


def test_a_better_plan_keeps_the_history(strict: Backend) -> None:
    """Who becomes a premium user after 5 of 5 has what 9 of 9 leave her, not 9 anew."""
    door = Door(strict, School(strict))
    assert calls(door.student, 6) == [200] * 5 + [429]
    strict.mongo["users"].update_one({"_id": door.student_viewer.id}, {"$set": {"plan": "premium"}})
    strict.cache.invalidate("viewers")
    answer = door.student.get("/chapters")
    assert answer.status_code == 429  # five of five are as full an hour as nine of nine
    assert answer.headers["RateLimit-Policy"].startswith('"premium";q=9;w=3600')
    assert int(answer.headers["Retry-After"]) <= 400  # a ninth of an hour, no longer a fifth


def test_every_answer_of_every_route_says_what_is_left(door: Door, backend: Backend) -> None:
    """Found or not, allowed or not, broken or not: each limited route names its limits and what remains of them."""
    seen = 0
    for route in iter_route_contexts(create_api(backend).routes):
        path = route.path or ""
        if not route.methods or kind_of(path) in (None, "stream"):  # streams do not end
            continue
        for method in route.methods - {"HEAD"}:
            answer = door.student(method, re.sub(r"\{[^}]+\}", "unknown", path))
            assert POLICY.fullmatch(answer.headers["RateLimit-Policy"]), (method, path, answer.status_code)
            assert LEFT.fullmatch(answer.headers["RateLimit"]), (method, path, answer.status_code)
            seen += 1
    assert seen > 40
    for path in ("/nowhere", "/chapters?limit=many"):
        assert LEFT.fullmatch(door.anyone.get(path).headers["RateLimit"])


def test_probes_are_never_limited(strict: Backend) -> None:
    """Load balancers may ask as often as they like, and hear nothing of limits."""
    anyone = Caller(TestClient(create_api(strict)))
    for path in ("/health/live", "/health/ready", "/docs.css"):
        assert calls(anyone, 6, path) == [200] * 6
    assert "RateLimit" not in anyone.get("/health/live").headers


def test_signing_in_is_counted_apart(strict: Backend) -> None:
    """Who has used up everything can still sign in."""
    door = Door(strict, School(strict))
    assert calls(door.anyone, 4)[-1] == 429
    answer = door.anyone.post("/auth/login", {"email": door.student_viewer.email, "password": "wrong password"})
    assert answer.status_code == 401
    assert answer.headers["RateLimit-Policy"] == '"sign-in";q=120;w=60'


def test_a_forged_token_counts_for_the_address(strict: Backend) -> None:
    """Inventing tokens gives nobody another allowance."""
    client = TestClient(create_api(strict))
    assert [Caller(client, f"forged{number}").get("/auth/me").status_code for number in range(5)] == [
        *(401, 401, 401),
        *(429, 429),
    ]


def test_an_import_has_a_limit_beside_the_allowance(door: Door) -> None:
    """Imports are heavier: sixty an hour, told beside the person's own allowance."""
    answer = door.teacher.post("/chapters/import?dryRun=true", files={"file": ("a.csv", b"subject\n")})
    assert '"import";q=60;w=3600' in answer.headers["RateLimit-Policy"]
    assert '"user";q=' in answer.headers["RateLimit-Policy"]


def test_administrators_see_why(door: Door) -> None:
    """GET /admin/limits says what presses, what is given, and how often limits were met; nobody else may ask."""
    problem(door.teacher.get("/admin/limits"), 403)
    report = door.admin.get("/admin/limits").json()["data"]
    assert (report["share"], report["floor"], report["source"]) == (1.0, 0.25, "redis")
    assert {each["name"] for each in report["pressures"]} == {
        "cpu",
        "memory",
        "loop_delay_seconds",
        "pool_wait_seconds",
    }
    assert {rule["name"] for rule in report["rules"]} == {"anonymous", "user", "premium", "burst"}
    assert any(count["allowed"] > 0 for count in report["counts"])
