"""The table of routes finds what FastAPI finds by asking each route in turn."""

import re
from typing import Any

from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Match, Route

from backend.api import create_api
from backend.api.route_table import RouteTable

TABLE = create_api().router
ROUTES = [route for route in TABLE.routes if isinstance(route, Route)]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get", "")
PARTS = sorted({part for route in ROUTES for part in route.path.split("/")})
SEGMENTS = st.sampled_from([*PARTS, "import", "%2e", "a b", "é\n"])
# Addresses of the API with other ids, and any others made of the same parts.
PATHS = st.one_of(
    st.builds(
        lambda route, value, end: re.sub(r"{\w+}", lambda _: value, route.path) + end,
        st.sampled_from(ROUTES),
        st.text(min_size=1, max_size=8),
        st.sampled_from(["", "/", "/x", "\n", "//"]),
    ),
    st.lists(SEGMENTS, max_size=6).map(lambda parts: "/" + "/".join(parts)),
    st.text(max_size=20),
)


def asked_in_turn(table: RouteTable, scope: dict[str, Any]) -> Route | None:
    return next(
        (each for each in table.routes if isinstance(each, Route) and each.matches(scope)[0] == Match.FULL), None
    )


@given(method=st.sampled_from(METHODS), path=PATHS, root=st.sampled_from(["", "/api/v1"]))
def test_the_table_finds_what_asking_each_route_finds(method: str, path: str, root: str) -> None:
    """For every method and path, the found route is the first that takes both, or none is found."""
    assert isinstance(TABLE, RouteTable)
    scope = {"type": "http", "method": method, "path": root + path, "root_path": root}
    assert TABLE.find(scope) is asked_in_turn(TABLE, scope)


def test_every_route_is_found_by_its_own_address() -> None:
    """No route of the API is hidden behind another one."""
    table = RouteTable([APIRouter(routes=list(ROUTES))])
    for route in ROUTES:
        path = re.sub(r"{\w+}", "anything", route.path)
        for method in route.methods or ():
            assert table.find({"type": "http", "method": method, "path": path}) is route


def test_a_route_that_is_added_later_is_found() -> None:
    """The table looks up what was added after the first request, too."""
    table = RouteTable([APIRouter(routes=list(ROUTES))])
    scope = {"type": "http", "method": "GET", "path": "/later"}
    assert table.find(scope) is None
    table.add_route("/later", lambda _request: None)  # type: ignore[arg-type,return-value]  # never called
    assert table.find(scope) is table.routes[-1]
