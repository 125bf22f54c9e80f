"""How a browser signs in: a page hands out a one-time ticket, this exchanges it for the session cookie.

A websocket cannot set a cookie, so the page's script posts the ticket here. The ticket is bound to the `browser`
cookie of whoever typed the password: nobody can sign somebody else in as himself.
"""

import secrets
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.deps import SESSION_COOKIE, BackendDep
from backend.api.middleware import BROWSER_COOKIE
from backend.errors import NotAllowed
from backend.kit.i18n import _

PROVIDER_COOKIES = "_streamlit_user"  # Streamlit's, and their parts
SESSION_SECONDS = 60 * 24 * 3600
BROWSER_SECONDS = 365 * 24 * 3600

router = APIRouter(prefix="/auth/browser-session", include_in_schema=False)


class Ticket(BaseModel):
    ticket: str = Field(min_length=20, max_length=100)


@router.post("", status_code=204)
def open_session(ticket: Ticket, request: Request, backend: BackendDep) -> Response:
    """Exchange a ticket for the session cookie."""
    _require_same_origin(request)
    browser = request.cookies.get(BROWSER_COOKIE, "")
    token = backend.accounts.redeem_ticket(ticket.ticket, browser, request.headers.get("user-agent", ""))
    response = Response(status_code=204)
    secure = backend.settings.cookie_secure
    response.set_cookie(
        SESSION_COOKIE, token, max_age=SESSION_SECONDS, path="/", httponly=True, samesite="lax", secure=secure
    )
    for name in request.cookies:
        if name.startswith(PROVIDER_COOKIES):  # what the provider said has become a session: nobody needs it any more
            response.delete_cookie(name, path="/", httponly=True, samesite="lax")
    return response


@router.delete("", status_code=204)
def drop_session(request: Request, backend: BackendDep) -> Response:
    """Take the session cookie away; the page has ended the session itself."""
    _require_same_origin(request)
    response = Response(status_code=204)
    response.delete_cookie(
        SESSION_COOKIE, path="/", httponly=True, samesite="lax", secure=backend.settings.cookie_secure
    )
    return response


def _require_same_origin(request: Request) -> None:
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise NotAllowed(_("This request came from another site."))


class BrowserCookie:
    """Gives every browser that opens a page a random name of its own, for sign-in tickets to be bound to."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._secure = "; Secure" if secure else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_page(scope):
            await self._app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                value = f"{BROWSER_COOKIE}={secrets.token_urlsafe(24)}; Max-Age={BROWSER_SECONDS}; Path=/"
                MutableHeaders(scope=message).append("set-cookie", f"{value}; HttpOnly; SameSite=Lax{self._secure}")
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def _is_page(scope: Scope) -> bool:
    """Whether this is a browser opening a page that has no name yet."""
    headers: dict[bytes, Any] = dict(scope["headers"])
    return (
        scope["method"] == "GET"
        and b"text/html" in headers.get(b"accept", b"")
        and f"{BROWSER_COOKIE}=".encode() not in headers.get(b"cookie", b"")
    )
