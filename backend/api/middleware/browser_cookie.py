"""The `browser` cookie: a random name for each browser, to which sign-in tickets are bound."""

import secrets
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BROWSER_COOKIE = "browser"
BROWSER_SECONDS = 365 * 24 * 3600


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
