"""Routes for a person's rights: export and deletion of their data; and for administrators those of others."""

from datetime import datetime
from typing import Any

from fastapi import Response
from fastapi.responses import StreamingResponse

from backend.api.deps import BackendDep, SignedIn
from backend.api.openapi.responses import returns
from backend.api.router import Router
from backend.api.schemas.envelope import Answer, Listing, answer
from backend.api.schemas.pagination import paged
from backend.api.schemas.requests import PageQuery, UserId
from backend.kit.model import Shape
from backend.rights.models import Deletion, OpenDeletion

ZIP = "application/zip"

_DELETION: dict[str, Any] = {
    "id": "69238f0b8a3c5e0b1c000002",
    "requestedAt": "2026-11-18T06:30:00Z",
    "dueAt": "2026-12-02T06:30:00Z",
    "requestedBy": "69238f0b8a3c5e0b1c000002",
    "closedAt": None,
}
_FILE: dict[int | str, Any] = {
    200: {
        "description": "Everything that is kept about the caller, as JSON and CSV files",
        "content": {ZIP: {"schema": {"type": "string", "contentMediaType": ZIP}}},
    }
}

own = Router(prefix="/me", tags=["Sign-in"])
others = Router(prefix="/admin/deletions", tags=["Administration"])


class OwnDeletion(Shape, frozen=True, kw_only=True):
    """The deletion that stands; null where none does."""

    deletion: Deletion | None


class CalledOff(Shape, frozen=True, kw_only=True):
    """The time at which a deletion was called off."""

    called_off_at: datetime


@own.get("/export", response_class=Response, responses=_FILE)
def export_own_data(viewer: SignedIn, backend: BackendDep) -> Response:
    """Download my data

    A ZIP with a JSON and a CSV file for each kind of thing that is kept: account, classes, progress, activity, study
    days, sessions, and what administrators did with the account.
    """
    name = backend.rights.file_name(viewer)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingResponse(backend.rights.export(viewer), media_type=ZIP, headers=headers)


@own.get(
    "/deletion", **returns(Answer[OwnDeletion], says="The deletion, or null", example={"data": {"deletion": _DELETION}})
)
def read_deletion(viewer: SignedIn, backend: BackendDep) -> Response:
    """Read the deletion of my account"""
    return answer(OwnDeletion(deletion=backend.rights.deletion(viewer)))


@own.post("/deletion", **returns(Answer[Deletion], 409, status=201, says="It stands", example={"data": _DELETION}))
def ask_for_deletion(viewer: SignedIn, backend: BackendDep) -> Response:
    """Ask for the deletion of my account

    On `dueAt` the account is closed, and deleted with everything about it soon after. Until then it can be called off.
    """
    return answer(backend.rights.request(viewer), status=201)


@own.delete("/deletion", **returns(Answer[CalledOff], 404, says="It was called off"))
def call_deletion_off(viewer: SignedIn, backend: BackendDep) -> Response:
    """Call the deletion of my account off"""
    backend.rights.cancel(viewer)
    return answer(CalledOff(called_off_at=backend.clock.now()))


@others.get("", **returns(Listing[OpenDeletion], 403, says="A page of those that stand, the next one first"))
def list_deletions(query: PageQuery, viewer: SignedIn, backend: BackendDep) -> Response:
    """List the deletions that were asked for"""
    found = backend.rights.open_requests(viewer)
    return paged(found, query, lambda each: (each.deletion.due_at.timestamp(), each.deletion.id))


@others.post(
    "/{userId}", **returns(Answer[Deletion], 403, 404, 409, status=201, says="It stands", example={"data": _DELETION})
)
def ask_for_deletion_of(user_id: UserId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Ask for the deletion of somebody's account

    Such as for a parent who asked the school.
    """
    return answer(backend.rights.request_for(viewer, user_id), status=201)


@others.delete("/{userId}", **returns(Answer[CalledOff], 403, 404, says="It was called off"))
def call_deletion_of_off(user_id: UserId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Call the deletion of somebody's account off"""
    backend.rights.cancel_for(viewer, user_id)
    return answer(CalledOff(called_off_at=backend.clock.now()))
