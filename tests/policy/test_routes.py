"""Every route × role × relation: the door refuses and serves as the policy table says of the act behind it."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from httpx2 import Response
from starlette.testclient import TestClient

from backend.accounts.models import Viewer
from backend.api import create_api
from backend.api.openapi.permissions import ROUTES, roles_of
from backend.policy import ACTS, WITHOUT_VIEWER, Relation
from tests.api.caller import Caller
from tests.policy.world import OF_A_CHAPTER, OF_A_CLASS, OF_A_PERSON, ROLES, Target, World, scope_of, world
from tests.school import PASSWORD

__all__ = ["world"]

OPEN = frozenset(f"{service}.{name}" for service, names in WITHOUT_VIEWER.items() for name in names.split())
ENDLESS = frozenset({"GET /events", "GET /chapters/{chapterId}/progress-stream", "WS /ws"})  # tests/api tries these
A_BOARD = (*OF_A_CLASS, Relation.SHARED)
KINDS = {
    "chapterId": OF_A_CHAPTER,
    "classroomId": OF_A_CLASS,
    "userId": OF_A_PERSON,
    "sessionId": OF_A_PERSON,
}
OF_THE_QUERY = {
    "GET /leaderboard": A_BOARD,
    "GET /admin/sessions": OF_A_PERSON,
    "DELETE /admin/sessions": OF_A_PERSON,
    "POST /progress": OF_A_CHAPTER,
    "POST /progress/undo": OF_A_PERSON,
}
USED_UP = frozenset(
    {
        "DELETE /chapters/{chapterId}",
        "POST /chapters/{chapterId}/restore",
        "DELETE /classrooms/{classroomId}",
        "POST /classrooms/{classroomId}/restore",
        "DELETE /classrooms/{classroomId}/students/{studentId}",
        "DELETE /auth/sessions/{sessionId}",
        "DELETE /admin/sessions/{sessionId}",
    }
)
# What is asked for is not there in this world, whoever asks.
MISSING_ITSELF = frozenset(
    {
        "POST /auth/second-factor/confirm",
        "POST /auth/second-factor/recovery-codes",
        "DELETE /auth/second-factor",
        "DELETE /admin/users/{userId}/second-factor",
        "DELETE /admin/cache/{region}",
        "POST /admin/jobs/{name}/run",
        "GET /admin/backups/preview",
        "POST /admin/backups/restore",
        "POST /admin/backups/rollback",
        "POST /admin/backups/{backupId}/verify",
        "POST /admin/backups/{backupId}/drill",
        "POST /admin/backups/{backupId}/download",
        "GET /chapters/imports/{importId}",
        "POST /chapters/imports/{importId}/undo",
    }
)
# Acts that stand behind a route of another act, or whose figures another route gives in its own form.
BEHIND = {
    "overview.rows": "GET /chapters",
    "overview.rows_that_fit": "GET /chapters",
    "accounts.change_email": "PATCH /auth/me",
    "administration.set_active": "PATCH /admin/users/{userId}",
    "administration.set_role": "PATCH /admin/users/{userId}",
    "audit.export": "GET /admin/audit",
    "backups.backups": "GET /admin/backups",
    "boards.scopes": "GET /classrooms",
    "class_statistics.distribution": "GET /classrooms/{classroomId}/statistics",
    "class_statistics.statistics": "GET /classrooms/{classroomId}/statistics",
    "classrooms.set_board_mode": "PATCH /classrooms/{classroomId}",
    "classrooms.taught": "GET /classrooms/{classroomId}",
    "reports.completions_over_time": "GET /classrooms/{classroomId}/statistics",
    "reports.export": "GET /classrooms/{classroomId}/students",
    "restores.restore": "POST /admin/backups/restore",
    "restores.roll_back": "POST /admin/backups/rollback",
    "rights.file_name": "GET /me/export",
    "rooms.classroom": "GET /events",
    "rooms.student": "GET /events",
    "statistics.chapter": "GET /statistics",
}
FILE = {"file": ("a.csv", b"subject,class,unit,chapter,status\nPhysics,Class 11,Light,Prisms,Completed\n")}


class Walk:
    """Programs of each role that call every route, and are signed in anew where a call has ended their session."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._api = create_api(world.backend)
        self._client = TestClient(self._api, raise_server_exceptions=False)
        self._callers: dict[str, Caller] = {}
        self.document: dict[str, Any] = self._api.openapi()

    def call(self, route: str, role: str, target: Target) -> Response:
        method, template = route.split(" ")
        path, options = template, self._options(route, target)
        for name, value in _values(target).items():
            path = path.replace(f"{{{name}}}", value)
        response = self._caller(role)(method, path, **options)
        if "session" in route or route in ("POST /auth/logout", "PUT /auth/password", "PATCH /admin/users/{userId}"):
            self._callers.clear()
        return response

    def _caller(self, role: str) -> Caller:
        viewer = self.world.people[role]
        if role not in self._callers:
            self._callers[role] = Caller(self._client, self._token(viewer) if viewer else None)
        return self._callers[role]

    def _token(self, viewer: Viewer) -> str:
        return self.world.backend.sign_in.sign_in_program(viewer.email, PASSWORD, "walk").access_token

    def _options(self, route: str, target: Target) -> dict[str, Any]:
        method, path = route.split(" ")
        if path.endswith("/import"):
            return {"files": FILE, "params": {"dryRun": "true"}}
        if path == "/leaderboard":
            return {"params": {"scope": "everyone" if target.relation is Relation.SHARED else target.classroom}}
        if path == "/admin/sessions":
            return {"params": {"user": target.person}}
        bodies: dict[str, Any] = {
            "POST /progress": {"changes": [{"chapterId": target.chapter, "questionsDelta": 1}]},
            "POST /progress/undo": {"batchId": target.batch},
            "PATCH /auth/me": {"dailyGoal": 25},
            "PUT /auth/password": {"currentPassword": PASSWORD, "newPassword": PASSWORD},
            "PATCH /admin/users/{userId}": {"isActive": True},
            "POST /admin/backups/restore": {"backupId": "none", "confirm": "restore"},
            "POST /chapters/{chapterId}/progress": {"questionsDelta": 1},
        }
        if route in bodies:
            return {"json": bodies[route]}
        operation = self.document["paths"].get(path, {}).get(method.lower(), {})
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        return {"json": body["example"]} if body else {}


def test_programs_can_do_what_pages_can() -> None:
    """Each act of the services has its route, or stands behind one that is named here and is there."""
    services = {act for act in ACTS if not act.startswith("page.")}
    assert services - set(ROUTES.values()) == set(BEHIND)
    assert set(BEHIND.values()) <= set(ROUTES)


def test_every_route_has_its_line() -> None:
    """The map of routes to acts has exactly the routes of the app, and each leads to the table."""
    there = {
        f"{method} {route.path_format}"
        for route in iter_route_contexts(create_api().routes)
        for method in route.methods or {"WS"}
    }
    assert there == set(ROUTES)
    unknown = {act for act in ROUTES.values() if act not in ACTS and act not in OPEN and not act.startswith("door.")}
    assert not unknown


def test_the_document_says_which_roles_a_route_is_for(world: World) -> None:
    """x-roles of each operation are those of the table; who may be anybody needs no roles."""
    document = create_api(world.backend).openapi()
    for route in ROUTES:
        method, path = route.split(" ")
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is not None:
            assert operation.get("x-roles") == roles_of(method, path), route
    assert document["paths"]["/classrooms/{classroomId}/matrix"]["get"]["x-roles"] == ["teacher", "admin"]


@pytest.mark.timeout(120)
def test_routes_refuse_and_serve_as_the_table_says(world: World) -> None:
    """401, 403, 404, or none of them: for each role and each relation that the route's address can stand in."""
    walk, wrong, tried = Walk(world), [], 0
    for route, role, relation in _steps(world):
        expected = _refusal(route, role, relation)
        fresh = route in USED_UP and expected is None
        response = walk.call(route, role, world.target(role, relation, fresh=fresh))
        said = _said(route, response)
        if said != expected and not (said == 404 and expected is None and route in MISSING_ITSELF):
            wrong.append((role, route, relation.value, response.status_code, response.text[:200]))
        tried += 1
    assert not wrong, "\n".join(map(str, wrong))
    assert tried > 400


def _steps(world: World) -> Iterator[tuple[str, str, Relation]]:
    """What is refused first, so that nothing that was served has changed what it is refused for."""
    steps = [
        (route, role, relation)
        for route in ROUTES
        for role in ROLES
        for relation in world.relations(role, _among(route))
        if not (route in ENDLESS and _refusal(route, role, relation) is None) and not route.startswith("WS")
    ]
    yield from (step for step in steps if _refusal(*step) is not None)
    yield from (step for step in steps if _refusal(*step) is None)


def _among(route: str) -> tuple[Relation, ...]:
    if route in OF_THE_QUERY:
        return OF_THE_QUERY[route]
    return next((among for name, among in KINDS.items() if f"{{{name}}}" in route), (Relation.NOTHING,))


def _refusal(route: str, role: str, relation: Relation) -> int | None:
    act = ROUTES[route]
    if act not in ACTS:
        return None
    scope = scope_of(act, role)
    if not scope:
        return 401 if role == "nobody" else 403
    return None if relation in scope or _among(route) == (Relation.NOTHING,) else 404


def _said(route: str, response: Response) -> int | None:
    """The refusal that an answer is; a failure about the matter itself is none."""
    assert response.status_code not in (405, 500), (route, response.text)
    if response.status_code not in (401, 403, 404) or route in ("POST /auth/login", "POST /auth/refresh"):
        return None
    code = response.json()["error"]["code"]
    if code not in ("not_signed_in", "not_allowed", "not_found"):
        return None
    return int(response.status_code)


def _values(target: Target) -> dict[str, str]:
    return {
        "chapterId": target.chapter,
        "classroomId": target.classroom,
        "studentId": target.student,
        "userId": target.person,
        "sessionId": target.session,
        "region": "chapters",
    }
