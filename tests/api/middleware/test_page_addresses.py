"""Files that pages gave out, at their addresses: for who is signed in, and for no cache."""

from types import SimpleNamespace

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from backend.api.middleware.page_addresses import PageAddresses
from backend.bootstrap import Backend
from backend.kit.upload_quota import Usage
from tests.api.caller import Door


class NoTabs:
    """No page is open."""

    def takes_file(self, tab: str, viewer_id: str) -> bool:
        return False

    def is_of(self, tab: str, viewer_id: str) -> bool:
        return False

    def let_go_of_lost(self, viewer_id: str, *, but: str) -> None: ...

    def held(self, viewer_id: str, *, but: str) -> Usage:
        return Usage(files=0, bytes=0)

    def held_by_everybody(self, *, but: str) -> int:
        return 0

    def keep_only(self, tab: str, file: str) -> None: ...

    def disconnected(self) -> None: ...


async def files(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as the pages' framework does: what is kept of it is not said, or said to be everybody's."""
    says = Request(scope).query_params.get("says")
    response: Response = PlainTextResponse("an export", headers={"Cache-Control": says} if says else None)
    await response(scope, receive, send)


@pytest.fixture
def client(backend: Backend) -> TestClient:
    state = SimpleNamespace(backend=backend)
    around = PageAddresses(
        files, state=state, paths=frozenset({"/"}), posts=frozenset(), has_provider=False, tabs=NoTabs()
    )
    return TestClient(around)


@pytest.mark.parametrize("query", ["", "?says=public", "?says=public,max-age=60"])
def test_no_cache_keeps_a_file_that_a_page_gave_out(
    client: TestClient, door: Door, backend: Backend, query: str
) -> None:
    """It is for who is signed in at this moment: neither a cache in between nor the browser has it afterwards."""
    path, user = f"/media/0123abcd.csv{query}", backend.accounts.me(door.student_viewer)
    session = backend.sign_in.redeem_ticket(backend.sign_in.issue_ticket(user, "browser"), "browser", "test")
    cookie = {"Cookie": f"session={session}"}
    answer = client.get(path, headers=cookie)
    assert (answer.status_code, answer.text) == (200, "an export")
    assert answer.headers["cache-control"] == "private, no-store"
    backend.accounts.sign_out(backend.sign_in.viewer(session))
    refused = [client.get(path, headers=headers) for headers in (cookie, {}, {"Cookie": "session=null"})]
    assert {each.status_code for each in refused} == {401}
    assert {each.headers["cache-control"] for each in refused} == {"no-store"}
