"""The API beside the pages: requests to it pass none of the layers that only pages need."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.raw_headers import header
from backend.api.refusals import API
from backend.api.static_files import allowed

COMPRESSED_FROM_BYTES, COMPRESSION = 1000, 5  # as Streamlit compresses what pages need


class ApiMount:
    """Hands whatever lies under /api/v1 to the API, compressed for those who take it; all else to the pages."""

    def __init__(self, app: ASGIApp, *, api: ASGIApp) -> None:
        self._pages, self._api = app, api
        self._compressed = GZipMiddleware(api, COMPRESSED_FROM_BYTES, COMPRESSION)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or not scope["path"].startswith(f"{API}/"):
            await self._pages(scope, receive, send)
            return
        root_path = scope.get("root_path", "")
        scope.update(path_params={}, app_root_path=root_path, root_path=root_path + API)
        takes_gzip = "gzip" in allowed(header(scope, b"accept-encoding").decode("latin-1"))
        await (self._compressed if takes_gzip else self._api)(scope, receive, send)
