"""One's own account over HTTP: name, address, password, sessions, second factor; and what administrators do to them."""

from datetime import timedelta

import pyotp
import pytest

from backend.bootstrap import Backend
from backend.kit.clock import SetClock
from tests.api.caller import Caller, Door, Json, problem
from tests.school import PASSWORD

NEW = "another horse battery"


def set_up(caller: Caller, clock: SetClock) -> tuple[pyotp.TOTP, list[str]]:
    """Turn the second factor on; the app and the recovery codes."""
    setup = caller.post("/auth/second-factor/setup").json()["data"]
    phone = pyotp.TOTP(setup["secret"])
    assert setup["address"].startswith("otpauth://totp/")
    codes = caller.post("/auth/second-factor/confirm", {"code": phone.at(clock.now())}).json()["data"]["codes"]
    clock.advance(timedelta(seconds=30))
    return phone, codes


def login(door: Door, email: str, password: str = PASSWORD) -> Json:
    """What a right password gets with a second factor: the details of the refusal."""
    error = problem(door.anyone.post("/auth/login", {"email": email, "password": password}), 401)
    assert error["code"] == "second_factor_needed"
    details: Json = error["details"]
    return details


def test_signing_in_takes_two_steps_with_a_second_factor(door: Door, clock: SetClock) -> None:
    """The login answers with a challenge; challenge and code together open a session, once."""
    phone, codes = set_up(door.teacher, clock)
    details = login(door, door.teacher_viewer.email)
    assert details["expiresIn"] == 300
    body = {"challenge": details["challenge"], "code": phone.at(clock.now())}
    pair = door.anyone.post("/auth/second-factor", body).json()["data"]
    me = Caller(door.anyone._client, pair["accessToken"]).get("/auth/me").json()["data"]
    assert (me["id"], me["secondFactorAt"] is not None) == (door.teacher_viewer.id, True)
    assert problem(door.anyone.post("/auth/second-factor", body), 401)["code"] == "challenge_expired"
    again = {"challenge": login(door, door.teacher_viewer.email)["challenge"], "code": body["code"]}
    assert problem(door.anyone.post("/auth/second-factor", again), 403)["code"] == "wrong_code"
    assert door.anyone.post("/auth/second-factor", again | {"code": codes[0]}).status_code == 200


def test_a_made_up_challenge_opens_nothing(door: Door, clock: SetClock) -> None:
    """Without a right password before it, no code of anybody is looked at."""
    phone, _codes = set_up(door.teacher, clock)
    body = {"challenge": "x" * 43, "code": phone.at(clock.now())}
    assert problem(door.anyone.post("/auth/second-factor", body), 401)["code"] == "challenge_expired"


def test_too_many_codes_must_wait(door: Door, clock: SetClock) -> None:
    """The sixth wrong code is refused with the seconds to wait."""
    set_up(door.teacher, clock)
    challenge = login(door, door.teacher_viewer.email)["challenge"]
    for _guess in range(5):
        assert problem(door.anyone.post("/auth/second-factor", {"challenge": challenge, "code": "000000"}), 403)
    answer = door.anyone.post("/auth/second-factor", {"challenge": challenge, "code": "000000"})
    assert problem(answer, 429)["code"] == "rate_limited"
    assert 0 < int(answer.headers["Retry-After"]) <= 30


def test_the_state_codes_and_the_end_of_a_second_factor(door: Door, clock: SetClock) -> None:
    """The state is told, codes are made anew, and it is turned off."""
    assert door.teacher.get("/auth/second-factor").json()["data"] == {
        "enabledAt": None,
        "recoveryCodesLeft": 0,
        "isRequired": False,
    }
    _phone, codes = set_up(door.teacher, clock)
    assert door.teacher.get("/auth/second-factor").json()["data"]["recoveryCodesLeft"] == 10
    fresh = door.teacher.post("/auth/second-factor/recovery-codes").json()["data"]["codes"]
    assert not set(fresh) & set(codes)
    assert door.teacher("DELETE", "/auth/second-factor").status_code == 200
    assert problem(door.teacher("DELETE", "/auth/second-factor"), 404)
    assert door.anyone.post("/auth/login", {"email": door.teacher_viewer.email, "password": PASSWORD}).is_success


@pytest.mark.parametrize("path", ["/auth/second-factor/setup", "/auth/second-factor/confirm"])
def test_secrets_are_kept_by_no_cache(door: Door, path: str) -> None:
    """Answers that hold secrets may be stored nowhere."""
    answer = door.teacher.post(path, {"code": "1"} if path.endswith("confirm") else None)
    assert answer.headers["Cache-Control"] == "no-store"


def test_programs_change_what_pages_change(door: Door) -> None:
    """Goal, exam, study day and leaderboard; what is left out stays, and the date is taken away by name."""
    caller, path = door.student, "/auth/me"
    change = {
        "dailyGoal": 35,
        "examDate": "2027-05-02",
        "timeZone": "Europe/London",
        "dayEndHour": 3,
        "boardName": "Comet",
        "boardJoined": True,
    }
    changed = caller("PATCH", path, json=change).json()["data"]
    assert {name: changed[name] for name in change} == change
    assert caller("PATCH", path, json={"name": "Sita Devi"}).json()["data"]["examDate"] == "2027-05-02"
    assert caller("PATCH", path, json={"clearExamDate": True}).json()["data"]["examDate"] is None
    assert caller.get(path).json()["data"]["dailyGoal"] == 35


@pytest.mark.parametrize(
    "change",
    [{"examDate": 1_800_000_000}, {"examDate": "20270502"}, {"examDate": "2027-02-30"}, {"dailyGoal": "20"},
     {"dailyGoal": 0}, {"timeZone": "Mars/Olympus"}, {"dayEndHour": 7}, {"boardJoined": "yes"},
     {"boardName": "\u202e"}, {"email": "new@example.org", "boardJoined": True}],
)  # fmt: skip
def test_what_does_not_fit_changes_nothing(door: Door, change: Json) -> None:
    """Each field is checked as on the pages; days are days, numbers numbers."""
    before = door.student.get("/auth/me").json()["data"]
    assert problem(door.student("PATCH", "/auth/me", json=change), 422)
    assert door.student.get("/auth/me").json()["data"] == before


def test_a_new_address_wants_the_password_again(door: Door, clock: SetClock) -> None:
    """Just after signing in it is changed; later the password must come first."""
    student = door.student
    assert student("PATCH", "/auth/me", json={"email": "new@example.org"}).json()["data"]["email"] == "new@example.org"
    clock.advance(timedelta(minutes=6))
    body = {"name": "Sita Devi", "email": "newer@example.org"}
    assert problem(student("PATCH", "/auth/me", json=body), 403)["code"] == "reauthentication_needed"
    assert student.get("/auth/me").json()["data"]["name"] == "Sita Student"
    wrong = student.post("/auth/reauthenticate", {"password": "wrong"})
    assert problem(wrong, 403)["code"] == "wrong_password"
    assert student.post("/auth/reauthenticate", {"password": PASSWORD}).status_code == 200
    changed = student("PATCH", "/auth/me", json=body).json()["data"]
    assert (changed["name"], changed["email"]) == ("Sita Devi", "newer@example.org")
    taken = student("PATCH", "/auth/me", json={"email": door.teacher_viewer.email})
    assert problem(taken, 409)


def test_a_new_password_ends_every_other_session(door: Door) -> None:
    """The present password is needed; the caller's session stays, all others end."""
    here, there = door.as_(door.student_viewer), door.as_(door.student_viewer)
    wrong = here("PUT", "/auth/password", json={"currentPassword": "wrong", "newPassword": NEW})
    assert problem(wrong, 403)["code"] == "wrong_password"
    weak = here("PUT", "/auth/password", json={"currentPassword": PASSWORD, "newPassword": "password"})
    assert problem(weak, 422)
    assert here("PUT", "/auth/password", json={"currentPassword": PASSWORD, "newPassword": NEW}).status_code == 200
    assert here.get("/auth/me").status_code == 200
    assert problem(there.get("/auth/me"), 401)
    assert door.anyone.post("/auth/login", {"email": door.student_viewer.email, "password": NEW}).is_success


def test_sessions_are_seen_and_ended(door: Door) -> None:
    """The list says which one asks; one of them, or all the others, are ended by their owner alone."""
    here, there = door.as_(door.student_viewer), door.as_(door.student_viewer)
    listed = here.get("/auth/sessions").json()
    assert listed["pagination"]["total"] == len(listed["data"]) >= 2
    assert [each["isThis"] for each in listed["data"]].count(True) == 1
    other = next(each["id"] for each in there.get("/auth/sessions").json()["data"] if each["isThis"])
    assert problem(door.teacher("DELETE", f"/auth/sessions/{other}"), 404)
    assert here("DELETE", f"/auth/sessions/{other}").status_code == 200
    assert problem(there.get("/auth/me"), 401)
    assert here("DELETE", "/auth/sessions").json()["data"]["ended"] >= 1
    assert len(here.get("/auth/sessions").json()["data"]) == 1


@pytest.mark.parametrize("reader", ["student", "admin"])
def test_pages_of_sessions_neither_skip_nor_repeat(door: Door, clock: SetClock, reader: str) -> None:
    """While older sessions are used and new ones are opened, the cursor goes on from where it was."""
    there: list[Caller] = []
    for _sign_in in range(5):
        clock.advance(timedelta(seconds=1))
        there.append(door.as_(door.student_viewer))
    path = "/auth/sessions?limit=3" if reader == "student" else f"/admin/sessions?user={door.student_viewer.id}&limit=3"
    caller, seen = (there[0] if reader == "student" else door.admin), list[str]()
    after: str | None = ""
    total = caller.get(path).json()["pagination"]["total"]
    while after is not None:
        page = caller.get(f"{path}&after={after}" if after else path).json()
        seen += [each["id"] for each in page["data"]]
        after = page["pagination"]["nextCursor"]
        clock.advance(timedelta(minutes=5, seconds=1))
        there[1].get("/auth/me")  # is the last used by now
        door.as_(door.student_viewer)  # and a new one
    assert len(seen) == len(set(seen)) == total
    assert problem(caller.get(f"{path}&after=nonsense"), 422)


def test_administrators_see_and_end_sessions_of_anybody(door: Door, clock: SetClock, backend: Backend) -> None:
    """By person: all or one; and a lost second factor is taken away. Nobody else may."""
    student, path = door.as_(door.student_viewer), f"/admin/sessions?user={door.student_viewer.id}"
    seen = door.admin.get(path).json()["data"]
    assert seen
    assert problem(door.teacher.get(path), 403)
    assert problem(door.admin.get("/admin/sessions?user=nobody"), 404)
    assert problem(door.admin.get("/admin/sessions"), 422)
    assert door.admin("DELETE", f"/admin/sessions/{seen[0]['id']}").status_code == 200
    assert door.admin("DELETE", path).json()["data"]["ended"] == len(seen) - 1
    assert problem(student.get("/auth/me"), 401)
    set_up(door.teacher, clock)
    reset = f"/admin/users/{door.teacher_viewer.id}/second-factor"
    assert problem(door.student("DELETE", reset), 403)
    assert door.admin("DELETE", reset).json()["data"]["secondFactorAt"] is None
    assert problem(door.admin("DELETE", reset), 404)


def test_a_session_cookie_changes_nothing(door: Door, backend: Backend) -> None:
    """None of these writes can be made with the cookie of a browser, so no other site can make one."""
    sign_in, user = backend.sign_in, backend.accounts.me(door.student_viewer)
    cookie = sign_in.redeem_ticket(sign_in.issue_ticket(user, "b"), "b", "test")
    browser = Caller(door.anyone._client)
    browser.headers = {"Cookie": f"session={cookie}"}
    assert browser.get("/auth/sessions").status_code == 200
    for method, path in (("DELETE", "/auth/sessions"), ("POST", "/auth/second-factor/setup"), ("PATCH", "/auth/me")):
        assert problem(browser(method, path, json={} if method == "PATCH" else None), 401)
