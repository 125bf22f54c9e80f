"""All routes of the API in one table, in which a request finds its own by one pattern instead of asking each."""

import re
from collections.abc import Iterable, Sequence

from fastapi import APIRouter
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

_GROUP_NAME = re.compile(r"\?P<\w+>")


class RouteTable(APIRouter):
    """Routes of other routers, as they are and in their order; of two that fit, the first one answers.

    Whatever no route fits is left to FastAPI: unknown addresses, other methods, websockets.
    """

    def __init__(self, routers: Iterable[APIRouter]) -> None:
        super().__init__(redirect_slashes=False)
        self.routes.extend(route for router in routers for route in router.routes)
        self._indexed = 0
        self._by_method: dict[str, tuple[re.Pattern[str], Sequence[Route]]] = {}

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self.find(scope) if scope["type"] == "http" else None
        if route is None:
            await super().app(scope, receive, send)
            return
        scope.setdefault("router", self)
        scope.update(route.matches(scope)[1])
        await route.handle(scope, receive, send)

    def find(self, scope: Scope) -> Route | None:
        """Return the route that takes the path and method of a request; None where there is none."""
        if self._indexed != len(self.routes):
            self._index()
        pattern, routes = self._by_method.get(scope["method"], (None, ()))
        match = pattern.match(scope["path"].removeprefix(scope.get("root_path", ""))) if pattern else None
        return routes[match.lastindex - 1] if match and match.lastindex else None

    def _index(self) -> None:
        routes = [route for route in self.routes if isinstance(route, Route)]
        for method in {method for route in routes for method in route.methods or ()}:
            taken = [route for route in routes if method in (route.methods or ())]
            self._by_method[method] = _any_of(taken), taken
        self._indexed = len(self.routes)


def _any_of(routes: Sequence[Route]) -> re.Pattern[str]:
    """Return a pattern whose group number n is that of the nth route."""
    return re.compile("|".join(f"({_GROUP_NAME.sub('?:', route.path_regex.pattern)})" for route in routes))
