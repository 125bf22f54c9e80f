"""Kept answers are those that the route would give now, to whom it would give them; walked over every kept route."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.accounts.models import ProfileChange, Viewer
from backend.api.middleware.kept_answers import KEPT, LONGEST_QUERY, REGION
from backend.bootstrap import Backend
from backend.chapters.models import ChapterDraft
from backend.kit.clock import SetClock
from backend.kit.observability.metrics import REQUESTS
from backend.kit.security.tokens import ACCESS_SECONDS
from backend.progress.models import ProgressChange, Saved
from tests.api.caller import Caller, Door
from tests.api.raw import Raw, head_of
from tests.api.streaming.listening import ServedApi, whole_api
from tests.school import School
from tests.waiting import until

__all__ = ["whole_api"]

YEAR = timedelta(days=365)
OF_EACH_REQUEST = {"x-request-id", "ratelimit", "date"}
Asked = tuple[int, dict[str, str], Any]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a listener may get no turn for a while, which empties the app layer; not the subject here."""
    monkeypatch.setattr("backend.kit.cache.invalidation_listener._SILENCE_SECONDS", 20.0)
    monkeypatch.setattr("backend.kit.cache.invalidation_listener._CALL_TIMEOUT_SECONDS", 10.0)


def paths(backend: Backend, door: Door) -> list[str]:
    """The address of each kept route, of a chapter and a class that are there."""
    ids = {"{chapterId}": backend.chapters.active()[0].id, "{classroomId}": door.classroom.id}
    found = []
    for route in sorted(KEPT):
        path = route.removeprefix("GET ")
        for name, value in ids.items():
            path = path.replace(name, value)
        found.append(path)
    return found


def hits(backend: Backend) -> int:
    return next((each.hits_app for each in backend.cache.statistics() if each.name == REGION), 0)


def asked(caller: Caller, path: str, **options: Any) -> Asked:
    """Status, headers and body of an answer, without what belongs to each request alone."""
    answer = caller.get(path, **options)
    headers = {name: value for name, value in answer.headers.items() if name not in OF_EACH_REQUEST}
    return answer.status_code, headers, _timeless(answer.json()) if answer.content else None


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(each) for name, each in value.items() if name not in ("asOf", "requestId")}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


def keep(backend: Backend, caller: Caller, path: str) -> bool:
    """Ask until the answer is a kept one; False where the caller is refused, or nothing is read for them."""
    until(lambda: backend.cache.healthy)
    for _turn in range(6):
        before = hits(backend)
        if caller.get(path).status_code != 200:
            return False
        if hits(backend) > before:
            return True
    return False


def callers(door: Door) -> tuple[Caller, ...]:
    return door.anyone, door.student, door.teacher, door.admin


def test_a_kept_answer_is_the_answer_of_the_route(backend: Backend, door: Door) -> None:
    """For each role status, headers and body are those of the route; every route is kept for somebody."""
    kept = set()
    for path in paths(backend, door):
        for caller in callers(door):
            if not keep(backend, caller, path):
                continue
            before, ours = hits(backend), asked(caller, path)
            assert hits(backend) == before + 1
            kept.add(path)
            backend.cache.clear_region(REGION)
            theirs = asked(caller, path)
            assert hits(backend) == before + 1
            assert ours == theirs, path
            assert ours[1]["x-cache"] == "app"
    assert kept == set(paths(backend, door))


def test_conditions_are_decided_for_each_request(backend: Backend, door: Door) -> None:
    """If-None-Match of every shape is answered by a kept answer as by the route."""
    for path in paths(backend, door):
        caller = door.student if keep(backend, door.student, path) else door.teacher
        if not keep(backend, caller, path):
            continue
        tag = caller.get(path).headers.get("etag", '"none"')
        for value in (tag, f"W/{tag}", f'"x", {tag}', "*", '"x"', "", tag.strip('"'), f"{tag},"):
            ours = asked(caller, path, headers={"If-None-Match": value})
            backend.cache.clear_region(REGION)
            assert ours == asked(caller, path, headers={"If-None-Match": value}), (path, value)
            keep(backend, caller, path)


def changes(backend: Backend, door: Door, school: School) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the acts of a student, a teacher and an administrator that an answer could tell of."""
    student, teacher, admin = door.student_viewer, door.teacher_viewer, door.admin_viewer
    first, second = backend.chapters.active()[:2]
    draft = ChapterDraft(subject="Physics", class_="Class 11", unit="Mechanics 1", chapter="Drag")

    def save(key: str, **change: Any) -> Saved:
        return backend.progress.change(student, first.id, ProgressChange(**change), key=key, confirm=True)

    yield "save", lambda: save("first-save", questions_delta=3)
    yield "save again", lambda: save("second-save", status="Completed")
    yield "undo", lambda: backend.progress.undo(student, save("third-save", questions_delta=1).batch_id)
    yield "add a chapter", lambda: backend.chapters.create(teacher, draft, confirm=True)
    yield "archive a chapter", lambda: backend.chapters.archive(teacher, second.id)
    yield "bring it back", lambda: backend.chapters.bring_back(teacher, second.id)
    yield "rename a class", lambda: backend.classrooms.rename(teacher, door.classroom.id, "12 Z")
    yield "renew its code", lambda: backend.classrooms.renew_code(teacher, door.classroom.id)
    yield "another class", lambda: school.classroom(teacher, "11 B")
    yield "a member leaves", lambda: backend.classrooms.remove_student(teacher, door.classroom.id, student.id)
    yield "joins again", lambda: backend.classrooms.join(student, str(_code(backend, teacher, door)))
    yield "a setting", lambda: backend.accounts.update_profile(student, ProfileChange(daily_goal=35))
    yield "archive a class", lambda: backend.classrooms.archive(teacher, door.classroom.id)
    yield "bring the class back", lambda: backend.classrooms.bring_back(teacher, door.classroom.id)
    yield "a role", lambda: backend.administration.change(admin, student.id, active=False)


def _code(backend: Backend, teacher: Viewer, door: Door) -> str | None:
    return backend.classrooms.get(teacher, door.classroom.id).join_code


@pytest.mark.timeout(300)
def test_after_every_change_the_next_answer_knows_it(backend: Backend, door: Door, school: School) -> None:
    """All routes are kept for all roles, then something changes: each next answer is that of the route."""
    people, every = callers(door), paths(backend, door)
    for name, change in changes(backend, door, school):
        for path in every:
            for caller in people:
                keep(backend, caller, path)
        change()
        next_answers = {(path, caller): asked(caller, path)[::2] for path in every for caller in people}
        backend.cache.clear_region(REGION)
        for (path, caller), found in next_answers.items():
            assert found == asked(caller, path)[::2], (name, path)


def test_a_new_day_is_another_answer(backend: Backend, door: Door, clock: SetClock) -> None:
    """An answer that is kept of one day is not given on the next."""
    assert keep(backend, door.student, "/progress/insights")
    today = asked(door.student, "/progress/insights")[2]["data"]["today"]
    clock.advance(timedelta(days=1))
    fresh = door.as_(door.student_viewer)
    assert keep(backend, fresh, "/progress/insights")
    assert asked(fresh, "/progress/insights")[2]["data"]["today"] > today


def test_whoever_has_lost_the_right_is_refused(backend: Backend, door: Door) -> None:
    """After a sign-out, a deactivation or a changed role no route gives what it had kept for the person."""
    every = paths(backend, door)
    student = [path for path in every if keep(backend, door.student, path)]
    teacher = [path for path in every if keep(backend, door.teacher, path)]
    backend.administration.change(door.admin_viewer, door.student_viewer.id, active=False)
    assert {door.student.get(path).status_code for path in student} == {401}
    backend.administration.change(door.admin_viewer, door.teacher_viewer.id, role="student")
    private = {path for path in teacher if path.endswith(("/archived", "/distribution", "/weeks"))}
    assert private
    assert {door.teacher.get(path).status_code for path in private} <= {401, 403}


def test_no_kept_answer_outlives_its_token_or_its_session(backend: Backend, door: Door, clock: SetClock) -> None:
    """Once the token has ended, by the clock or by signing out, no route gives what it had kept for it."""
    every, leaves = paths(backend, door), door.as_(door.student_viewer)
    kept = [path for path in every if keep(backend, leaves, path) and keep(backend, door.student, path)]
    open_to_all = {path for path in kept if door.anyone.get(path).status_code == 200}
    assert kept and open_to_all
    assert leaves.post("/auth/logout").status_code == 200
    assert {leaves.get(path).status_code for path in kept} == {401}
    assert {door.student.get(path).status_code for path in kept} == {200}
    clock.advance(timedelta(seconds=ACCESS_SECONDS))
    assert {door.student.get(path).status_code for path in kept} == {401}


@pytest.mark.parametrize("step", [timedelta(seconds=-1), timedelta(minutes=-10), timedelta(days=-1), -YEAR, YEAR])
def test_a_clock_that_steps_changes_no_answer_to_another_moments(
    backend: Backend, door: Door, clock: SetClock, step: timedelta
) -> None:
    """Answers that were kept before the step are those of the route after it, and after the step back."""
    every, callers_then = paths(backend, door), (door.anyone, door.student, door.teacher)
    for by in (step, -step):
        for path in every:
            for caller in callers_then:
                keep(backend, caller, path)
        clock.advance(by)
        for path in every:
            for caller in callers_then:
                found = asked(caller, path)[::2]
                backend.cache.clear_region(REGION)
                assert found == asked(caller, path)[::2], (path, by)


# Headers as they may arrive: letters added, lost or changed, in the scheme, the token or around them.
EDITS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 2), st.sampled_from(' \t,=.;"aB0_-\xa0\xff')), min_size=1, max_size=3
)


@given(edits=EDITS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_header_that_was_changed_gets_what_it_would_get_unkept(
    backend: Backend, door: Door, edits: list[tuple[int, int, str]]
) -> None:
    """A kept answer is given for a changed header only where the route finds the same credential in it."""
    assert keep(backend, door.student, "/progress")
    text = door.student.headers["Authorization"]
    for place, cut, put in edits:
        at = place % (len(text) + 1)
        text = f"{text[:at]}{put}{text[at + cut :]}"
    raw = {"Authorization": text.strip(" \t").encode("latin-1")}
    ours = asked(door.anyone, "/progress", headers=raw)[::2]
    backend.cache.clear_region(REGION)
    backend.cache.clear_region("viewers")
    assert ours == asked(door.anyone, "/progress", headers=raw)[::2]
    assert ours[0] in (200, 401)


def test_two_people_have_two_answers(backend: Backend, door: Door, school: School) -> None:
    """An answer kept for one student is given to no other, nor to anybody who is not signed in."""
    other = door.as_(school.student(door.classroom, "Other Student"))
    first = backend.chapters.active()[0].id
    backend.progress.change(door.student_viewer, first, ProgressChange(questions_delta=7), key="seven-more")
    path = f"/chapters/{first}"
    assert keep(backend, door.student, path) and keep(backend, other, path) and keep(backend, door.anyone, path)
    before = hits(backend)
    assert asked(door.student, path)[2]["data"]["questionSolved"] == 7
    assert asked(other, path)[2]["data"]["questionSolved"] == 0
    assert "questionSolved" not in asked(door.anyone, path)[2]["data"]
    assert hits(backend) == before + 3
    wrong = {"Authorization": "Bearer null"}
    assert door.anyone.get(path, headers=wrong).status_code == 401


def test_each_kept_answer_counts_as_a_request(backend: Backend, door: Door) -> None:
    """A kept answer has its own request id, takes a permit, and is counted under its route."""
    assert keep(backend, door.student, "/progress")
    first, second = door.student.get("/progress"), door.student.get("/progress")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["ratelimit"] != second.headers["ratelimit"]
    counted = backend.metrics.read(REQUESTS)["GET /progress"].count
    door.student.get("/progress")
    assert backend.metrics.read(REQUESTS)["GET /progress"].count == counted + 1


def test_long_addresses_and_unknown_names_are_not_kept(backend: Backend, door: Door) -> None:
    """An address that a stranger makes up takes no memory, and a refusal is never kept."""
    before = hits(backend)
    for path in (f"/chapters?search={'a' * LONGEST_QUERY}", "/chapters?nonsense=1", "/chapters/nothing"):
        statuses = {door.anyone.get(path).status_code for _turn in range(4)}
        assert len(statuses) == 1
    assert hits(backend) == before


def test_what_is_too_large_is_refused_as_ever(backend: Backend, door: Door) -> None:
    """Headers or a body that the route would refuse are refused where the answer is kept, too."""
    assert keep(backend, door.anyone, "/chapters")
    assert door.anyone.get("/chapters", headers={"X-Long": "a" * 40_000}).status_code == 431
    assert door.anyone("GET", "/chapters", content=b"a" * (2 * 1024 * 1024)).status_code == 413


def test_head_of_a_kept_answer(whole_api: ServedApi, backend: Backend, door: Door) -> None:
    """HEAD has the headers of GET and no body, kept or not, and the next request on the connection is answered."""
    raw = Raw(whole_api.port)
    for path in paths(backend, door):
        caller = next((each for each in callers(door) if keep(backend, each, path)), None)
        assert caller is not None
        lines = f"Host: 127.0.0.1\r\nAuthorization: {caller.headers.get('Authorization', '')}\r\n"
        lines = lines if caller.headers else "Host: 127.0.0.1\r\n"
        head = f"HEAD /api/v1{path} HTTP/1.1\r\n{lines}\r\n"
        get = f"GET /api/v1{path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n"
        first, _end, rest = raw.send(f"{head}{get}".encode()).partition(b"\r\n\r\n")
        ours, theirs = head_of(first + b"\r\n\r\n"), head_of(rest)
        assert json.loads(rest.partition(b"\r\n\r\n")[2])["success"] is True
        assert ours.keys() == theirs.keys() - {"connection"}, path
        assert ours["content-length"] == theirs["content-length"], path
