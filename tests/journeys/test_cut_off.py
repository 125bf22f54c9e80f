"""Cut off everywhere: what ends a session in one process ends it in every other, open pages and streams included."""

from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import pytest
from playwright.sync_api import expect

from backend.accounts.sessions import VIEWER
from backend.api.routes.events import CHECK_SECONDS
from tests.journeys.running import RunningApp, Visitors, running
from tests.journeys.school import PASSWORD, Person, ServedSchool
from tests.kit.redis.valkey_process import ValkeyProcess
from tests.waiting import until

Act = Callable[[ServedSchool, Person], object]


@pytest.fixture(scope="module")
def other_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    """The Redis of the other process, which dies and is flushed as a test wants it."""
    process = ValkeyProcess(tmp_path_factory.mktemp("cut-off"))
    yield process
    process.stop()


@pytest.fixture(scope="module")
def other(
    served: ServedSchool, other_valkey: ValkeyProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningApp]:
    """Another process on the same database, with a Redis of its own: it hears nothing of what others invalidate."""
    folder: Path = tmp_path_factory.mktemp("other-process")
    secret = (served.app.data_dir / "secrets" / "jwt").read_text()  # processes of one school share their keys
    environment = served.environment | {"REDIS_URL": other_valkey.url, "JWT_SECRET": secret}
    with running(folder / "data", **environment) as app:
        yield app


def ask(app: RunningApp, token: str, path: str = "/auth/me") -> HTTPResponse | HTTPError:
    request = Request(f"{app.url}/api/v1{path}", headers={"Authorization": f"Bearer {token}"})  # noqa: S310  (own app)
    try:
        answer: HTTPResponse = urlopen(request, timeout=15)  # noqa: S310  (own app)
    except HTTPError as refused:
        return refused
    return answer


def status(app: RunningApp, token: str) -> int:
    with ask(app, token) as answer:
        return int(answer.status or 0)


def role(app: RunningApp, token: str) -> str:
    with ask(app, token) as answer:
        return str(msgspec.json.decode(answer.read())["data"]["role"])


def end_that_session(served: ServedSchool, person: Person) -> None:
    admin = served.viewer("admin@demo.school")
    for session in served.backend.administration.sessions(admin, person.user.id):
        served.backend.administration.end_session(admin, session.id)


def deactivate(served: ServedSchool, person: Person) -> None:
    served.backend.administration.set_active(served.viewer("admin@demo.school"), person.user.id, active=False)


def reset_password(served: ServedSchool, person: Person) -> None:
    admin = served.viewer("admin@demo.school")
    link = served.backend.administration.make_reset_link(admin, person.user.id)
    served.backend.accounts.reset_password(link.token, PASSWORD)


def test_nothing_that_is_known_of_a_session_is_older_than_two_seconds() -> None:
    """A process asks anew after two seconds at the latest and shows nothing stale; streams look every second."""
    assert VIEWER.ttl_seconds <= 2
    assert VIEWER.grace_seconds == 0
    assert CHECK_SECONDS <= 1


@pytest.mark.parametrize("act", [end_that_session, deactivate, reset_password])
def test_the_other_process_knows_without_being_told(served: ServedSchool, other: RunningApp, act: Act) -> None:
    """A session that lives in two processes ends in both, though one of them cannot hear the other."""
    person = served.teacher()
    token = served.backend.sign_in.sign_in_program(person.email, PASSWORD, "a program").access_token
    assert (status(served.app, token), status(other, token)) == (200, 200)
    act(served, person)
    until(lambda: (status(served.app, token), status(other, token)) == (401, 401))


def test_a_new_role_holds_in_the_other_process(served: ServedSchool, other: RunningApp) -> None:
    """Who is no administrator any more is none in any process."""
    person = served.teacher()
    admin = served.viewer("admin@demo.school")
    served.backend.administration.set_role(admin, person.user.id, "admin")
    token = served.backend.sign_in.sign_in_program(person.email, PASSWORD, "a program").access_token
    assert role(other, token) == "admin"
    served.backend.administration.set_role(admin, person.user.id, "teacher")
    until(lambda: role(other, token) == role(served.app, token) == "teacher")


def test_a_stream_ends_in_the_other_process(served: ServedSchool, other: RunningApp) -> None:
    """An open stream is told that it is over, and closed."""
    person = served.lone_student()
    token = served.backend.sign_in.sign_in_program(person.email, PASSWORD, "a program").access_token
    with ask(other, token, "/events?rooms=student:me") as stream:
        assert stream.status == 200
        end_that_session(served, person)
        said = stream.read()  # until the server closes it
    assert b"event: ended" in said
    assert b"not_signed_in" in said


def test_with_redis_stopped_or_flushed_nothing_comes_back(
    served: ServedSchool, other: RunningApp, other_valkey: ValkeyProcess
) -> None:
    """Redis holds no session and no revocation: flushed or away, who is in stays in, and who is out stays out."""
    gone, here = served.teacher("Gone"), served.teacher("Here")
    sign_in = served.backend.sign_in.sign_in_program
    out, stays = (sign_in(each.email, PASSWORD, "a program").access_token for each in (gone, here))
    assert (status(other, out), status(other, stays)) == (200, 200)
    end_that_session(served, gone)
    until(lambda: status(other, out) == 401)
    other_valkey.flush()
    assert (status(other, out), status(other, stays)) == (401, 200)
    other_valkey.kill()
    try:
        assert (status(other, out), status(other, stays)) == (401, 200)
        end_that_session(served, here)
        until(lambda: status(other, stays) == 401)
        again = sign_in(here.email, PASSWORD, "a program").access_token
        assert status(other, again) == 200
    finally:
        other_valkey.start()


def test_an_open_page_leads_to_the_sign_in_form_by_itself(
    served: ServedSchool, visitors: Visitors, other: RunningApp
) -> None:
    """A page that is only looked at, in the other process, shows nothing of its person once her session is over."""
    person = served.teacher("Tara Watching")
    visitor = served.visit(visitors, person.email, app=other)
    page = visitor.open("/settings")
    expect(page.get_by_text("Tara Watching").first).to_be_attached()
    end_that_session(served, person)
    expect(page.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
    expect(page.get_by_text("Tara Watching")).to_have_count(0)
    assert page.url.endswith("/settings")
