"""Who makes a request, found once for all that ask: limits, routes, answers that are kept ready.

What was checked is remembered so far as it cannot change: that a token is ours, whose session it names, and when it
ends. Whether the session lives and the person is active is asked each time, of what is at most 2 s old.
"""

import base64
import math
from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic

import msgspec
from fastapi import Request
from starlette.types import Scope

from backend.accounts.models import Viewer
from backend.accounts.sessions import VIEWER
from backend.api.deps import SAFE_METHODS, SESSION_COOKIE, optional_viewer
from backend.bootstrap import Backend
from backend.errors import AppError

REMEMBERED = 20_000
_COOKIE = f"{SESSION_COOKIE}=".encode()


class _Payload(msgspec.Struct):
    exp: float


@dataclass(frozen=True, slots=True)
class Caller:
    """The person who calls, or nobody; what stands against it; and until when (monotonic) she may be believed."""

    viewer: Viewer | None = None
    error: AppError | None = None
    until: float = 0.0


BELIEVED_SECONDS = 2.0


class Callers:
    """Remembers which credentials name which session. For one event loop; bounded."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def known(self, scope: Scope, backend: Backend) -> Caller | None:
        """Who calls, where it takes no waiting; else None, and `find` must be asked."""
        credential = _credential(scope)
        if not credential:
            return Caller(until=monotonic() + BELIEVED_SECONDS)
        session_id, ends_at = self._sessions.get(credential, ("", 0.0))
        left = ends_at - backend.clock.now().timestamp()
        held = backend.cache.held(VIEWER, session_id) if left > 0 else None
        if held is None:
            return None
        return Caller(held.value, until=monotonic() + min(left, max(0.0, BELIEVED_SECONDS - held.age_seconds)))

    def find(self, scope: Scope, backend: Backend) -> Caller:
        """Who calls. May wait for Redis and MongoDB; never raises an AppError, but keeps it."""
        try:
            viewer = optional_viewer(Request({**scope, "type": "http", "method": scope.get("method", "GET")}), backend)
        except AppError as error:
            return Caller(error=error)
        credential = _credential(scope)
        if viewer and credential:
            self._sessions[credential] = viewer.session_id, _end_of(credential)
            while len(self._sessions) > REMEMBERED:
                self._sessions.popitem(last=False)
        return Caller(viewer)


def _credential(scope: Scope) -> bytes:
    """What says who calls: the header Authorization, else for reading from our own pages the cookies; b"" for none."""
    headers = dict(scope["headers"])
    token: bytes = headers.get(b"authorization", b"")
    if token:
        return token
    cookies: bytes = headers.get(b"cookie", b"")
    is_own_read = scope["type"] == "http" and scope["method"] in SAFE_METHODS
    if _COOKIE not in cookies or not is_own_read or headers.get(b"sec-fetch-site", b"none") not in _OWN_SITE:
        return b""
    return cookies


_OWN_SITE = (b"same-origin", b"none")


def _end_of(credential: bytes) -> float:
    """When an access token that was found valid ends; a cookie never ends by itself."""
    _scheme, space, token = credential.partition(b" ")
    parts = token.split(b".")
    if not space or len(parts) != 3:  # noqa: PLR2004  (head, payload and signature)
        return math.inf
    payload = parts[1] + b"=" * (-len(parts[1]) % 4)
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(payload), type=_Payload).exp
    except (ValueError, msgspec.MsgspecError):
        return 0.0
