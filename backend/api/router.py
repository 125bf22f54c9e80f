"""Routes that decide in one order, before a byte of the body is read: who may, which query names there are, which key.

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
from backend.api.deps import backend_of, optional_viewer, signed_in
from backend.api.idempotency import BY_ANYBODY, HEADER, answer_once, check_key, takes_key
from backend.api.openapi.permissions import ROUTES
from backend.errors import Invalid
from backend.kit.i18n import _
from backend.kit.model import published_name
from backend.policy import authorise

NAMES_SHOWN, NAME_LENGTH = 20, 200


class DecidingRoute(APIRoute):
    """A route of one method, whose act stands in ROUTES. A viewer who may never do the act is refused first."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI, which reads the body, behind what is decided without it."""
        answer = super().get_route_handler()
        method = next(iter(self.methods or ()))
        act = ROUTES[f"{method} {self.path}"]
        is_for_members = signed_in in calls_of(self.dependant)
        names = frozenset(_query_names(self.dependant)) if self.include_in_schema else None
        has_key = takes_key(method, self.path) and (is_for_members or self.path in BY_ANYBODY)
        takes_file = self.max_body_size is not None  # it calls `once` itself: here its file would stand in memory

        async def decide(request: Request) -> Response:
            viewer = await _allowed(request, act) if is_for_members else None
            if names is not None:
                _refuse_unknown(request, names)
            if has_key and HEADER in request.headers:
                check_key(request)
                if not takes_file:
                    return await answer_once(request, await backend_of(request), viewer, act, answer)
            return await answer(request)

        return decide


class Router(APIRouter):
    """A router whose routes decide before they read."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=DecidingRoute, generate_unique_id_function=_operation_id, **options)


def _operation_id(route: APIRoute) -> str:
    return published_name(route.name)


def calls_of(dependant: Dependant) -> Iterator[Callable[..., Any] | None]:
    """Everything that a route depends on, by its function."""
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from calls_of(dependency)


async def _allowed(request: Request, act: str) -> Viewer:
    """The viewer, whose role may do `act` to something. Raises NotSignedIn, NotAllowed."""
    return authorise(await optional_viewer(request, await backend_of(request)), act)


def _query_names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (each.alias or name for name, each in model.model_fields.items())
        else:
            yield field.alias
    for dependency in dependant.dependencies:
        yield from _query_names(dependency)


def _refuse_unknown(request: Request, names: frozenset[str]) -> None:
    """Raises Invalid, naming them, for query names that the route does not know or that stand twice.

    A slip of the pen is not ignored, and of two values none is guessed to be the one that is meant.
    """
    given = Counter(name for name, _value in request.query_params.multi_items())
    problems = {name: _("This address knows no such name.") for name in given if name not in names}
    problems |= {name: _("This name is given more than once.") for name in given if given[name] > 1}
    if problems:
        fields = [{"field": name[:NAME_LENGTH], "problem": each} for name, each in problems.items()]
        raise Invalid(_("Some fields do not fit."), details={"fields": fields[:NAMES_SHOWN]})
