"""HEAD, for pages and API alike: the answer to GET without its body (RFC 9110 §9.3.2)."""

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadRequests:
    """Calls the app as for GET, sends the status and headers, and stops there: a stream does not continue.

    The scope that the server reads keeps its method: by that it knows that the length it is told never comes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                work.cancel()

        with anyio.CancelScope() as work:
            await self._app({**scope, "method": "GET"}, receive, send_head)
