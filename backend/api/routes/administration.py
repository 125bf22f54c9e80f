"""Routes for administrators: people, the cache, full health, and metrics for monitoring."""

from typing import Annotated

from fastapi import Query, Request, Response

from backend.accounts.models import OneTimeLink, User
from backend.api.deps import BackendDep, Monitor, SignedIn
from backend.api.openapi.responses import returns, returns_text
from backend.api.router import Router
from backend.api.schemas import requests
from backend.api.schemas.envelope import Answer, Listing, Pagination, answer, listing
from backend.api.schemas.pagination import bad_cursor, cursor, read_cursor
from backend.api.schemas.requests import UserId
from backend.api.schemas.responses import CacheReads, Cleared
from backend.kit.observability.prometheus import CONTENT_TYPE
from backend.operations.memory_trace import MemoryTrace
from backend.operations.models import Health, History, SlowOperation

router = Router(prefix="/admin", tags=["Administration"])
metrics = Router(tags=["Health"])

_READERS: list[dict[str, list[str]]] = [{"bearer": []}, {"session": []}]
_PLACE = 2  # name and id


@router.get("/users", **returns(Listing[User], 403, says="A page of people"))
def list_users(query: Annotated[requests.PeopleQuery, Query()], viewer: SignedIn, backend: BackendDep) -> Response:
    """List people

    In `order`, those alike by name. Each word of `search` begins a word of the name or of the address; capitals and
    accents do not matter. `after` goes with the order by name alone.
    """
    place = read_cursor(query.after) if query.after else None
    if place is not None and not (len(place) == _PLACE and all(isinstance(each, str) for each in place)):
        raise bad_cursor()
    found = backend.administration.users(
        viewer,
        search=query.search,
        role=query.role,
        page=query.page,
        limit=query.limit,
        after=(place[0], place[1]) if place else None,
        order=query.order,
        descending=query.descending,
    )
    last = found.users[-1] if found.users else None
    is_by_name = query.order == "name" and not query.descending
    pagination = Pagination(
        page=found.page,
        limit=found.limit,
        total=found.total,
        total_pages=max(1, -(-found.total // found.limit)),
        next_cursor=cursor((last.name, last.id)) if last and found.has_more and is_by_name else None,
    )
    return listing(found.users, pagination)


@router.post("/users", **returns(Answer[OneTimeLink], 403, status=201, says="The link"))
def create_user(body: requests.PersonNew, viewer: SignedIn, backend: BackendDep) -> Response:
    """Add a teacher or an administrator

    The answer holds the one-time token with which they set their password, at /reset-password?token=… Students sign up
    themselves.
    """
    link = backend.administration.create(viewer, name=body.name, email=body.email, role=body.role)
    return answer(link, status=201)


@router.get("/users/{userId}", **returns(Answer[User], 403, 404, says="The person"))
def get_user(user_id: UserId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Read one person"""
    return answer(backend.administration.user(viewer, user_id))


@router.patch("/users/{userId}", **returns(Answer[User], 403, 404, 409, says="The person"))
def change_user(user_id: UserId, body: requests.PersonChange, viewer: SignedIn, backend: BackendDep) -> Response:
    """Change a person's role, or deactivate them

    Both together, or neither. Takes hold everywhere within two seconds. The last administrator cannot be taken away.
    """
    return answer(backend.administration.change(viewer, user_id, role=body.role, active=body.is_active))


@router.post("/users/{userId}/reset-link", **returns(Answer[OneTimeLink], 403, 404, says="It"))
def make_reset_link(user_id: UserId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Make a one-time password link

    Links made before stop working.
    """
    return answer(backend.administration.make_reset_link(viewer, user_id))


@router.get("/health", **returns(Answer[Health], 403, says="Every check, and how to fix what fails"))
def full_health(viewer: SignedIn, backend: BackendDep) -> Response:
    """Health in full

    Of the process that answers, at most three seconds old.
    """
    return answer(backend.operations.health(viewer))


@router.get("/health/history", **returns(Answer[History], 403, 503, says="Up to 61 points"))
def health_history(viewer: SignedIn, backend: BackendDep) -> Response:
    """The last hour by minutes

    Of all processes together: requests, page runs, how long they took, memory, delays. At most ten seconds old.
    """
    return answer(backend.operations.history(viewer))


@router.get("/slow-operations", **returns(Answer[tuple[SlowOperation, ...]], 403, 503, says="The costliest first"))
def slow_operations(viewer: SignedIn, backend: BackendDep) -> Response:
    """List slow database commands

    By shape, over all processes in the last week: names of fields and operators, no value of anybody; and the plan.
    """
    return answer(backend.monitoring.slow(viewer))


@router.get("/memory-trace", **returns(Answer[MemoryTrace], 403, says="It, or that there was none"))
def memory_trace(viewer: SignedIn, backend: BackendDep) -> Response:
    """Read the last memory trace

    Of the process that answers: the lines of the program that kept the most of what they allocated meanwhile.
    """
    return answer(backend.memory.trace(viewer))


@router.post("/memory-trace", **returns(Answer[MemoryTrace], 403, 409, 422, status=202, says="It has begun"))
def start_memory_trace(body: requests.MemoryTraceNew, viewer: SignedIn, backend: BackendDep) -> Response:
    """Trace memory for some seconds

    In the process that answers, which is slower meanwhile. It is written into the audit trail.
    """
    return answer(backend.memory.start(viewer, body.seconds), status=202)


@router.get("/cache", **returns(Answer[CacheReads], 403, says="A row for each region"))
def cache_regions(viewer: SignedIn, backend: BackendDep) -> Response:
    """Reads of the cache

    By region, in the process that answers and since its start.
    """
    return answer(CacheReads(regions=backend.monitoring.cache(viewer)))


@router.delete("/cache/{region}", **returns(Answer[Cleared], 403, 404, says="It is empty"))
def clear_region(region: requests.RegionName, viewer: SignedIn, backend: BackendDep) -> Response:
    """Empty a region of the cache

    In every process. Nothing is lost: the next reads ask the database.
    """
    return answer(Cleared(region=region, entries=backend.monitoring.clear(viewer, region)))


@metrics.get("/metrics", **returns_text("In the text format 0.0.4", 401, 403), openapi_extra={"security": _READERS})
def prometheus(request: Request, viewer: Monitor, backend: BackendDep) -> Response:
    """Counts for Prometheus

    Of the process that answers: requests, page runs, database commands, the cache. For admins, or with the token that
    the school has set as METRICS_TOKEN.
    """
    listeners, monitoring = request.app.state.streams.counts(), backend.monitoring
    text = monitoring.metrics(viewer, listeners) if viewer else monitoring.written(listeners)
    return Response(text, media_type=CONTENT_TYPE)
