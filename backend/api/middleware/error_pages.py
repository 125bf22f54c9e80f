"""Replaces error responses that a framework made, such as "Bad Request", by ours with a request id."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.refusals import refused

REFUSED = 400
_KEPT = frozenset({b"allow", b"retry-after", b"content-range", b"set-cookie", b"vary"})


class ErrorPages:
    """Replaces each answer from 400 on that has neither a request id nor JSON: every part of ours gives it one."""

    def __init__(self, app: ASGIApp, *, has_pages: bool) -> None:
        self._app = app
        self._has_pages = has_pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_replaced = False

        async def send_worded(message: Message) -> None:
            nonlocal is_replaced
            if message["type"] == "http.response.start" and _is_bare(message):
                is_replaced = True
                answer = refused(scope, message["status"], has_pages=self._has_pages)
                answer.raw_headers += [each for each in message["headers"] if each[0].lower() in _KEPT]
                await answer(scope, receive, send)
            elif not is_replaced:
                await send(message)

        await self._app(scope, receive, send_worded)


def _is_bare(message: Message) -> bool:
    headers = {name.lower(): value for name, value in message["headers"]}
    is_ours = b"x-request-id" in headers or headers.get(b"content-type", b"").startswith(b"application/json")
    return message["status"] >= REFUSED and not is_ours
