"""The `browser` cookie: a random name for each browser, to which sign-in tickets are bound."""

import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.raw_headers import cookie

BROWSER_COOKIE = "browser"
BROWSER_SECONDS = 365 * 24 * 3600


class BrowserCookie:
    """Gives each browser that opens a page a random name; around the routes of pages alone (index_html.py).

    A response that carries the name is for this browser: no cache in between may give it to another one.
    """

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._secure = "; Secure" if secure else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if cookie(scope, BROWSER_COOKIE):
            await self._app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                value = f"{BROWSER_COOKIE}={secrets.token_urlsafe(24)}; Max-Age={BROWSER_SECONDS}; Path=/"
                headers = MutableHeaders(scope=message)
                headers.append("set-cookie", f"{value}; HttpOnly; SameSite=Lax{self._secure}")
                headers["cache-control"] = "private, no-cache"
            await send(message)

        await self._app(scope, receive, send_with_cookie)
