"""The audit trail by HTTP: read by administrators, changed by nobody."""

from typing import Annotated, Any

from fastapi import Query, Response

from backend.api.deps import BackendDep, SignedIn
from backend.api.openapi.responses import returns
from backend.api.router import Router
from backend.api.schemas import requests
from backend.api.schemas.envelope import Answer, answer
from backend.audit.models import AuditFilter, ChainState, EntryPage

router = Router(prefix="/admin/audit", tags=["Administration"])

Cursor = Annotated[int | None, Query(ge=1, le=2**53, description="nextBefore of the page before")]
Moment = Annotated[requests.Moment | None, Query(description="RFC 3339, with its offset")]

_EXAMPLE: dict[str, Any] = {
    "data": {
        "entries": [
            {
                "id": 42,
                "at": "2026-11-18T06:30:00Z",
                "actorId": "69238f0b8a3c5e0b1c000001",
                "actorRole": "admin",
                "act": "user.role_changed",
                "targetKind": "user",
                "targetId": "69238f0b8a3c5e0b1c000002",
                "before": {"role": "student"},
                "after": {"role": "teacher"},
                "origin": {"address": "203.0.113.7", "agent": "curl/8.5.0", "requestId": "3f2a9c1be77d4e10"},
            }
        ],
        "nextBefore": 42,
        "names": {"69238f0b8a3c5e0b1c000001": "Asha Admin"},
    }
}


@router.get("", **returns(Answer[EntryPage], 403, says="A page of entries, newest first", example=_EXAMPLE))
def list_entries(
    viewer: SignedIn,
    backend: BackendDep,
    person: Annotated[str | None, Query(max_length=64, description="Id of who acted or of whom it was done to")] = None,
    act: Annotated[str | None, Query(max_length=40, description="Such as user.role_changed")] = None,
    since: Moment = None,
    until: Moment = None,
    before: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """List what privileged people did

    Go on with `before` and the nextBefore of the page before: entries that are added meanwhile shift nothing.
    """
    people = (person,) if person else None
    wanted = AuditFilter(people=people, act=act or None, since=since, until=until)
    return answer(backend.audit.entries(viewer, wanted, before=before, limit=limit))


@router.get("/check", **returns(Answer[ChainState], 403, says="The result of reading the whole trail"))
def check_chain(viewer: SignedIn, backend: BackendDep) -> Response:
    """Check that every entry is as it was written

    `brokenAt` is the first entry that was changed or taken out in the database; null where all is as it was.
    """
    return answer(backend.audit.check(viewer))
