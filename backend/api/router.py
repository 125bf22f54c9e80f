"""Routes that decide in one order, before a byte of the body is read: who may, query names, size, key.

Every router of the API is one of these. What is wrong with the body is said last.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from backend.accounts.models import Viewer
from backend.api.deps import backend_of, is_monitor, monitor, optional_viewer, signed_in, upload_room
from backend.api.idempotency import BY_ANYBODY, HEADER, answer_once, check_key, takes_key
from backend.api.json_reading import StrictRequest, refuse_repeated
from backend.api.openapi.permissions import ROUTES
from backend.api.request_size import BODY_BYTES, BODY_SECONDS, UPLOAD_BYTES, UPLOAD_SECONDS, check_size, limited
from backend.kit.model import published_name
from backend.policy import authorise


class DecidingRoute(APIRoute):
    """A route of one method, whose act stands in ROUTES. A viewer who may never do the act is refused first."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI, which reads the body, behind what is decided without it."""
        answer = super().get_route_handler()
        method = next(iter(self.methods or ()))
        act = ROUTES[f"{method} {self.path}"]
        calls = frozenset(calls_of(self.dependant))
        names = frozenset(_query_names(self.dependant)) if self.include_in_schema else None
        has_key = takes_key(method, self.path) and (signed_in in calls or self.path in BY_ANYBODY)
        takes_file = upload_room in calls  # it calls `once` itself: here its file would stand in memory

        async def decide(request: Request) -> Response:
            viewer = await _caller(request, calls, act)
            if names is not None:
                given = Counter(name for name, _value in request.query_params.multi_items())
                refuse_repeated(given, unknown=given.keys() - names)
            most, seconds = (UPLOAD_BYTES, UPLOAD_SECONDS) if takes_file else (BODY_BYTES, BODY_SECONDS)
            check_size(request.scope, most)
            request = StrictRequest(request.scope, limited(request.receive, most, seconds))
            if has_key and HEADER in request.headers:
                check_key(request)
                if not takes_file:
                    return await answer_once(request, await backend_of(request), viewer, act, answer)
            return await answer(request)

        return decide


class Router(APIRouter):
    """A router whose routes check a request before they read its body."""

    def __init__(self, *, route_class: type[DecidingRoute] = DecidingRoute, **options: Any) -> None:
        super().__init__(route_class=route_class, generate_unique_id_function=_operation_id, **options)


def _operation_id(route: APIRoute) -> str:
    return published_name(route.name)


def calls_of(dependant: Dependant) -> Iterator[Callable[..., Any] | None]:
    """Everything that a route depends on, by its function."""
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from calls_of(dependency)


async def _caller(request: Request, calls: frozenset[Any], act: str) -> Viewer | None:
    """The viewer, where the route asks for one; their role may do `act`. Raises NotSignedIn, NotAllowed."""
    if not calls & {optional_viewer, monitor}:
        return None
    backend = await backend_of(request)
    if monitor in calls and is_monitor(request, backend):
        return None
    viewer = await optional_viewer(request, backend)
    return authorise(viewer, act) if calls & {signed_in, monitor} else viewer


def _query_names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (each.alias or name for name, each in model.model_fields.items())
        else:
            yield field.alias
    for dependency in dependant.dependencies:
        yield from _query_names(dependency)
