"""Idempotency-Key: an act with a key is done once, whatever is sent again, by whom, and at the same moment."""

from contextlib import closing
from typing import Any

import pyotp
import pytest
from starlette.testclient import TestClient

from backend.api import create_api
from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.kit.clock import SetClock
from tests.api.caller import Caller, Door, first_chapter, problem
from tests.api.raw import Raw, statuses
from tests.api.streaming.listening import ServedApi, served_api
from tests.at_once import at_once

__all__ = ["served_api"]

CSV = b"subject,class,unit,chapter,2024\nPhysics,Class 11,Light,Prisms,3\n"
NEW = {"subject": "Physics", "class": "Class 11", "unit": "Light", "chapter": "Prisms"}


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


def test_a_chapter_is_added_once(door: Door) -> None:
    """The same request again gives back the first answer, says so, and adds nothing; written otherwise as well."""
    first = door.teacher.post("/chapters", NEW, headers=key("new-1"))
    again = door.teacher.post("/chapters", dict(reversed(NEW.items())), headers=key("new-1"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]


def test_a_change_is_replayed_though_its_version_is_old(door: Door) -> None:
    """A retry of a change that was made is no conflict with itself."""
    chapter = first_chapter(door.teacher)
    body = {"unit": "Mechanics, first part", "version": chapter["version"]}
    answers = [door.teacher("PATCH", f"/chapters/{chapter['id']}", json=body, headers=key("p")) for _repeat in "ab"]
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[1].json() == answers[0].json()
    assert problem(door.teacher("PATCH", f"/chapters/{chapter['id']}", json=body), 409)["code"] == "stale"


def test_deleting_is_replayed(door: Door) -> None:
    """The second DELETE with the key is told what the first was, not that it is archived already."""
    path = f"/chapters/{first_chapter(door.teacher)['id']}"
    assert door.teacher("DELETE", path, headers=key("d")).status_code == 200
    assert door.teacher("DELETE", path, headers=key("d")).status_code == 200
    assert problem(door.teacher("DELETE", path), 409)


@pytest.mark.parametrize("change", ["body", "path", "method", "If-Match"])
def test_a_key_stands_for_one_request(door: Door, change: str) -> None:
    """Another body, address, method or condition under the same key is refused, and does nothing."""
    chapter = first_chapter(door.teacher)
    path, other = f"/chapters/{chapter['id']}", door.teacher.get("/chapters?limit=2").json()["data"][1]
    assert door.teacher("PATCH", path, json={"unit": "One", "version": 1}, headers=key("k")).status_code == 200
    requests: dict[str, tuple[str, str, dict[str, Any], dict[str, str]]] = {
        "body": ("PATCH", path, {"unit": "Two", "version": 2}, {}),
        "path": ("PATCH", f"/chapters/{other['id']}", {"unit": "One", "version": 1}, {}),
        "method": ("POST", path + "/restore", {}, {}),
        "If-Match": ("PATCH", path, {"unit": "One", "version": 1}, {"If-Match": '"2-abc"'}),
    }
    method, where, body, headers = requests[change]
    answer = door.teacher(method, where, json=body, headers=key("k") | headers)
    assert problem(answer, 422)["code"] == "key_reused"
    assert door.teacher.get(path).json()["data"]["version"] == 2


def test_keys_are_ones_own(door: Door) -> None:
    """Two people who make up the same key do two acts, and see nothing of each other's answers."""
    door.teacher.post("/chapters", NEW, headers=key("same"))
    other = door.admin.post("/chapters", NEW | {"chapter": "Lenses"}, headers=key("same"))
    assert (other.status_code, other.json()["data"]["chapter"]) == (201, "Lenses")


def test_a_failure_leaves_the_key_free(door: Door) -> None:
    """What was refused did nothing: the same key may try again with what was asked for."""
    chapter = first_chapter(door.student)["id"]
    path, many = f"/chapters/{chapter}/progress", {"questionSolved": 5_000}
    assert problem(door.student.post(path, many, headers=key("k")), 409)["code"] == "confirmation_needed"
    saved = door.student.post(path, many | {"confirm": True}, headers=key("k"))
    assert saved.json()["data"]["progress"]["questionSolved"] == 5_000


def test_many_at_the_same_moment_do_the_work_once(door: Door, backend: Backend) -> None:
    """Eight requests with one key: one act, and the same answer for all."""
    path, teacher = "/chapters", door.teacher
    before = len(backend.chapters.active())
    answers = at_once(*[lambda: teacher.post(path, NEW, headers=key("race"))] * 8)
    assert {each.status_code for each in answers} == {201}
    assert len({each.content for each in answers}) == 1
    assert len(backend.chapters.active()) == before + 1


def test_files_are_taken_in_once(door: Door) -> None:
    """An import is known by its file, whatever the form around it; another file under the key is refused."""

    def sent(content: bytes, name: str) -> Any:
        return door.teacher("POST", "/chapters/import", files={"file": (name, content)}, headers=key("file"))

    first, again = sent(CSV, "a.csv"), sent(CSV, "a.csv")
    assert first.json()["data"]["added"] == 1
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert problem(sent(CSV.replace(b"3", b"4"), "a.csv"), 422)["code"] == "key_reused"


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "Multipart/x", "text/plain", "nonsense"])
def test_no_kind_of_body_makes_a_key_worthless(door: Door, kind: str) -> None:
    """A body that calls itself a form does not lead around the key on a route without files: the act is done once."""
    path, headers = f"/classrooms/{door.classroom.id}/join-code", key("code") | {"Content-Type": kind}
    first, again = (door.teacher("POST", path, headers=headers) for _repeat in "ab")
    assert (first.status_code, again.content) == (200, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_key_is_no_reason_to_read_a_file(door: Door, served_api: ServedApi) -> None:
    """A route that takes files refuses another body before it has come: no 50 MB in memory, read as JSON."""
    for path, caller in (("/chapters/import", door.teacher), ("/progress/import", door.student)):
        headers = {**caller.headers, "Content-Length": "50000000", "Content-Type": "application/json", **key("file")}
        answer = Raw(served_api.port).ask("POST", path, [f"{name}: {value}" for name, value in headers.items()])
        assert statuses(answer) == [415], (path, answer[:300])


def test_signing_up_twice_makes_one_account(door: Door) -> None:
    """Nobody's key works with the whole request: who does not know the password learns nothing by the key."""
    body = {"email": "new@example.org", "password": "a good long one", "name": "Nina New"}
    body["joinCode"] = str(door.classroom.join_code)
    first, again = (door.anyone.post("/auth/register", body, headers=key("up")) for _repeat in "ab")
    assert (first.status_code, again.content) == (201, first.content)
    guessed = door.anyone.post("/auth/register", body | {"password": "guessed it wrong"}, headers=key("up"))
    assert problem(guessed, 422)["code"] == "key_reused"


def test_every_other_write_takes_a_key(backend: Backend) -> None:
    """The document says of each write that it takes a key, but of those that make or spend secrets of a sign-in."""
    without = set()
    for path, operations in create_api(backend).openapi()["paths"].items():
        for method, operation in operations.items():
            named = {each.get("name") for each in operation.get("parameters", ())}
            if method != "get" and "Idempotency-Key" not in named:
                without.add(f"{method.upper()} {path}")
    assert without == {
        *(f"POST /auth/{name}" for name in ("login", "refresh", "logout", "reauthenticate", "second-factor")),
        *(f"POST /auth/second-factor/{name}" for name in ("setup", "confirm", "recovery-codes")),
    }


def test_turning_a_second_factor_off_is_replayed(door: Door, clock: SetClock) -> None:
    """It makes no secret: sent again with its key it is the success that it was, not a second factor that is gone."""
    secret = door.teacher.post("/auth/second-factor/setup").json()["data"]["secret"]
    code = pyotp.TOTP(secret).at(clock.now())
    assert door.teacher.post("/auth/second-factor/confirm", {"code": code}).is_success
    answers = [door.teacher("DELETE", "/auth/second-factor", headers=key("off")) for _again in "ab"]
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[1].headers["Idempotent-Replayed"] == "true"


def test_signing_in_keeps_no_tokens(door: Door, backend: Backend) -> None:
    """Sign-in takes no key: each is its own, and no token is written down."""
    body = {"email": door.teacher_viewer.email, "password": "correct horse battery"}
    first, again = (door.anyone.post("/auth/login", body, headers=key("in")).json()["data"] for _repeat in "ab")
    assert first["refreshToken"] != again["refreshToken"]
    assert backend.mongo["replays"].count_documents({}) == 0


def test_nothing_readable_is_kept(door: Door, backend: Backend) -> None:
    """A stolen database tells neither key nor answer; records end by themselves."""
    door.teacher.post("/chapters", NEW, headers=key("readable-key"))
    (found,) = backend.mongo["replays"].find()
    assert "Prisms" not in str(found)
    assert "readable-key" not in str(found)
    (index,) = (each for each in backend.mongo["replays"].list_indexes() if each["name"] == "expired")
    assert index["expireAfterSeconds"] == 0


def test_a_body_above_the_limit_is_refused_with_a_key_too(door: Door) -> None:
    """The key does not lead around the limit of 1 MB, nor a broken body around its answer."""
    large = b'{"subject": "' + b"x" * 1_100_000 + b'"}'
    kind = key("big") | {"Content-Type": "application/json"}
    assert problem(door.teacher("POST", "/chapters", content=large, headers=kind), 413)["code"] == "too_large"
    assert problem(door.teacher("POST", "/chapters", content=iter([large]), headers=kind), 413)["code"] == "too_large"
    assert problem(door.teacher("POST", "/chapters", content=b"{", headers=kind), 400)["code"] == "malformed"


def test_who_is_not_signed_in_is_told_so(door: Door) -> None:
    """A key opens no door, and what nobody may do is not kept."""
    assert problem(door.anyone.post("/chapters", NEW, headers=key("k")), 401)
    assert problem(door.student.post("/chapters", NEW, headers=key("k")), 403)
    assert door.teacher.post("/chapters", NEW, headers=key("k")).status_code == 201


def forgotten(backend: Backend) -> None:
    """What was changed beneath the services is seen at once."""
    backend.cache.invalidate("viewers", "classrooms")


def test_a_kept_answer_is_for_those_who_still_may(door: Door, backend: Backend) -> None:
    """A link for a password is not given again to somebody who is no administrator any more."""
    path = f"/admin/users/{door.student_viewer.id}/reset-link"
    assert door.admin.post(path, headers=key("link")).json()["data"]["token"]
    assert door.admin.post(path, headers=key("link")).headers["Idempotent-Replayed"] == "true"
    for role in ("teacher", "student"):
        backend.mongo["users"].update_one({"_id": door.admin_viewer.id}, {"$set": {"role": role}})
        forgotten(backend)
        assert "token" not in str(problem(door.admin.post(path, headers=key("link")), 403))
    backend.mongo["users"].update_one({"_id": door.admin_viewer.id}, {"$set": {"role": "admin"}})
    forgotten(backend)
    assert door.admin.post(path, headers=key("link")).headers["Idempotent-Replayed"] == "true"


def test_nobody_who_was_shut_out_is_answered_again(door: Door, backend: Backend) -> None:
    """Deactivated, or signed out: the key gives back nothing."""
    teacher = door.teacher
    assert teacher.post("/chapters", NEW, headers=key("k")).status_code == 201
    backend.administration.set_active(door.admin_viewer, door.teacher_viewer.id, active=False)
    assert problem(teacher.post("/chapters", NEW, headers=key("k")), 401)


def test_a_second_factor_that_is_needed_now_comes_before_a_kept_answer(
    door: Door, settings: Settings, clock: SetClock
) -> None:
    """The school wants a second factor of teachers since: what was kept waits until there is one."""
    teacher = door.teacher
    assert teacher.post("/chapters", NEW, headers=key("k")).status_code == 201
    strict = settings.model_copy(update={"require_second_factor": "staff"})
    with closing(build(strict, clock=clock)) as later:
        forgotten(later)
        now = Caller(TestClient(create_api(later)), teacher.headers["Authorization"].removeprefix("Bearer "))
        error = problem(now.post("/chapters", NEW, headers=key("k")), 403)
    assert error["code"] == "second_factor_required"


def test_a_class_that_was_given_to_another_is_not_told_of(door: Door, backend: Backend) -> None:
    """Acts on a class, and its making, are given back while it is the teacher's; also where it is archived by now."""
    teacher, classroom = door.teacher, door.classroom.id
    acts: list[tuple[str, str, Any]] = [
        ("POST", "/classrooms", {"name": "Twelve"}),
        ("PATCH", f"/classrooms/{classroom}", {"name": "Thirteen"}),
        ("POST", f"/classrooms/{classroom}/join-code", None),
        ("DELETE", f"/classrooms/{classroom}/students/{door.student_viewer.id}", None),
        ("DELETE", f"/classrooms/{classroom}", None),
        ("POST", f"/classrooms/{classroom}/restore", None),
    ]
    for number, (method, path, body) in enumerate(acts):
        assert teacher(method, path, json=body, headers=key(f"{number}")).is_success
    for number, (method, path, body) in enumerate(acts):
        again = teacher(method, path, json=body, headers=key(f"{number}"))
        assert again.headers["Idempotent-Replayed"] == "true", (path, again.text)
    backend.mongo["memberships"].update_many({"role": "teacher"}, {"$set": {"userId": "somebody else"}})
    forgotten(backend)
    for number, (method, path, body) in enumerate(acts):
        assert problem(teacher(method, path, json=body, headers=key(f"{number}")), 404), path
