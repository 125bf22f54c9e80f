"""Dependencies of routes: the backend and the caller. Functions that never wait are async, so they use no thread."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request

from backend.accounts.models import Viewer, require
from backend.api.credentials import bearer_of, find_caller
from backend.api.request_size import UPLOAD_BYTES, said_length
from backend.bootstrap import Backend
from backend.errors import Unavailable
from backend.kit.i18n import _


async def backend_of(request: Request) -> Backend:
    """Return the backend of this API. Raises Unavailable before it has started."""
    backend: Backend | None = getattr(request.app.state, "backend", None)
    if backend is None:
        raise Unavailable(_("The service is starting."))
    return backend


BackendDep = Annotated[Backend, Depends(backend_of)]


async def optional_viewer(request: Request, backend: BackendDep) -> Viewer | None:
    """Return the caller, by Bearer token, or by session cookie for same-origin reads; None without a credential.

    Raises NotSignedIn for a token that is given but not valid.
    """
    return (await find_caller(request, backend)).checked()


OptionalViewer = Annotated[Viewer | None, Depends(optional_viewer)]


async def signed_in(viewer: OptionalViewer) -> Viewer:
    """Return the signed-in caller. Raises NotSignedIn if there is none."""
    return require(viewer)


SignedIn = Annotated[Viewer, Depends(signed_in)]


async def upload_room(request: Request, viewer: SignedIn) -> AsyncIterator[None]:
    """Reserve room for the caller's file while the route runs. Routes that take a file depend on it.

    Raises RateLimited.
    """
    with request.app.state.uploads.reserve(viewer.id, said_length(request.scope) or UPLOAD_BYTES):
        yield


def is_monitor(request: Request, backend: Backend) -> bool:
    """Whether the caller is a program with the token of METRICS_TOKEN."""
    return backend.monitoring.is_token(bearer_of(request.headers.get("authorization", "")))


async def monitor(request: Request, backend: BackendDep) -> Viewer | None:
    """Return None for a program with the token of METRICS_TOKEN, else the signed-in caller. Raises NotSignedIn."""
    return None if is_monitor(request, backend) else require(await optional_viewer(request, backend))


Monitor = Annotated[Viewer | None, Depends(monitor)]
