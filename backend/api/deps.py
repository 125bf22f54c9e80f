"""What a route asks for: the backend, and the person or program that calls. What never waits is async: no thread."""

from typing import Annotated

from fastapi import Depends, Request

from backend.accounts.models import Viewer, require
from backend.bootstrap import Backend
from backend.errors import NotSignedIn, Unavailable
from backend.kit.i18n import _

SESSION_COOKIE = "session"
SAFE_METHODS = frozenset({"GET", "HEAD"})


async def backend_of(request: Request) -> Backend:
    """The backend behind this API. Raises Unavailable before it has started."""
    backend: Backend | None = getattr(request.app.state, "backend", None)
    if backend is None:
        raise Unavailable(_("The service is starting."))
    return backend


BackendDep = Annotated[Backend, Depends(backend_of)]


def optional_viewer(request: Request, backend: BackendDep) -> Viewer | None:
    """Who calls: by Bearer token, or by the session cookie for same-origin reads; None for anybody.

    Raises NotSignedIn for a token that is given but not valid.
    """
    caller = getattr(request.state, "caller", None)
    if caller is not None:  # the limits have found out already
        if caller.error:
            raise caller.error
        viewer: Viewer | None = caller.viewer
        return viewer
    return viewer_by_credentials(request, backend)


def viewer_by_credentials(request: Request, backend: Backend) -> Viewer | None:
    """As optional_viewer, but asked now: a stream goes on long after somebody found out who opened it."""
    scheme, _space, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer" or not token:
            raise NotSignedIn(_("Send the access token as “Authorization: Bearer …”."))
        return backend.accounts.viewer_of_access_token(token.strip())
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie or request.method not in SAFE_METHODS or not _is_same_origin(request):
        return None
    try:
        return backend.accounts.viewer(cookie)
    except NotSignedIn:
        return None


def _is_same_origin(request: Request) -> bool:
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


OptionalViewer = Annotated[Viewer | None, Depends(optional_viewer)]


async def signed_in(viewer: OptionalViewer) -> Viewer:
    """Who calls. Raises NotSignedIn for anybody else."""
    return require(viewer)


SignedIn = Annotated[Viewer, Depends(signed_in)]
