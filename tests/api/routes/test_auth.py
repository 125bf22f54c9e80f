"""Programs sign in, stay in, and are out when they say so."""

from datetime import timedelta

from backend.bootstrap import Backend
from backend.kit.clock import SetClock
from tests.api.caller import Caller, Door, problem
from tests.school import PASSWORD


def test_a_program_signs_in_and_knows_who_it_speaks_for(door: Door) -> None:
    """The access token of the login route opens the caller's own account."""
    answer = door.student.get("/auth/me")
    assert answer.status_code == 200
    assert answer.json()["data"]["email"] == door.student_viewer.email
    assert "passwordHash" not in answer.text


def test_tokens_are_kept_by_no_cache(door: Door) -> None:
    """The answer with the tokens forbids every cache to keep it, and sets no cookie."""
    answer = door.anyone.post("/auth/login", {"email": door.student_viewer.email, "password": PASSWORD})
    assert answer.headers["Cache-Control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert set(answer.json()["data"]) == {"accessToken", "tokenType", "expiresIn", "refreshToken"}


def test_an_unknown_address_is_told_what_a_wrong_password_is_told(door: Door) -> None:
    """Nobody learns from the sign-in route whether an account exists."""
    wrong = problem(door.anyone.post("/auth/login", {"email": door.student_viewer.email, "password": "no"}), 401)
    unknown = problem(door.anyone.post("/auth/login", {"email": "nobody@example.org", "password": "no"}), 401)
    assert (wrong["code"], wrong["message"]) == (unknown["code"], unknown["message"])


def test_a_refresh_token_works_once(door: Door) -> None:
    """The second use of a refresh token ends the session, its fresh tokens included."""
    body = {"email": door.student_viewer.email, "password": PASSWORD}
    pair = door.anyone.post("/auth/login", body).json()["data"]
    fresh = door.anyone.post("/auth/refresh", {"refreshToken": pair["refreshToken"]}).json()["data"]
    assert problem(door.anyone.post("/auth/refresh", {"refreshToken": pair["refreshToken"]}), 401)
    assert problem(door.anyone.post("/auth/refresh", {"refreshToken": fresh["refreshToken"]}), 401)


def test_signing_out_ends_the_token_at_once(door: Door) -> None:
    """An access token is refused from the moment its session was signed out."""
    student = door.student
    assert student.post("/auth/logout").json() == {"success": True, "data": None}
    assert problem(student.get("/auth/me"), 401)


def test_an_access_token_ends_after_a_quarter_of_an_hour(door: Door, clock: SetClock) -> None:
    """A program must refresh: its access token expires."""
    student = door.student
    clock.advance(timedelta(minutes=15, seconds=1))
    assert problem(student.get("/auth/me"), 401)["code"] == "token_expired"


def test_a_bad_token_is_refused_even_where_anyone_may_read(door: Door, backend: Backend) -> None:
    """A caller who means to be somebody is never quietly treated as nobody."""
    for header in ("Bearer nonsense", "Bearer", "Basic YTpi"):
        answer = door.anyone.get("/chapters", headers={"Authorization": header})
        assert problem(answer, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_student_signs_up_with_the_code_of_her_class(door: Door) -> None:
    """Registration makes a student who can sign in, and answers 201."""
    body = {"email": "new@example.org", "password": PASSWORD, "name": "Nina", "joinCode": door.classroom.join_code}
    answer = door.anyone.post("/auth/register", body)
    assert (answer.status_code, answer.json()["data"]["role"]) == (201, "student")
    assert door.anyone.post("/auth/login", {"email": "new@example.org", "password": PASSWORD}).status_code == 200


def test_signing_up_needs_a_code_that_exists(door: Door) -> None:
    """Without a join code of a class nobody gets in."""
    body = {"email": "new@example.org", "password": PASSWORD, "name": "Nina"}
    assert problem(door.anyone.post("/auth/register", body), 422)["code"] == "join_code"


def test_nobody_chooses_her_own_role(door: Door) -> None:
    """A field that the route does not know is refused, not ignored."""
    body = {"email": "new@example.org", "password": PASSWORD, "name": "Nina", "role": "admin"}
    error = problem(door.anyone.post("/auth/register", body), 422)
    assert error["details"]["fields"][0]["field"] == "role"


def test_a_cookie_reads_for_the_same_origin_and_never_writes(door: Door, backend: Backend) -> None:
    """The session cookie opens reads of our own pages; other sites and writes get nothing from it."""
    sign_in, user = backend.sign_in, backend.accounts.me(door.student_viewer)
    cookie = sign_in.redeem_ticket(sign_in.issue_ticket(user, "b"), "b", "test")
    browser = Caller(door.anyone._client)
    browser.headers = {"Cookie": f"session={cookie}"}
    assert browser.get("/auth/me").status_code == 200
    assert problem(browser.get("/auth/me", headers={"Sec-Fetch-Site": "cross-site"}), 401)
    assert problem(browser.post("/auth/logout"), 401)
