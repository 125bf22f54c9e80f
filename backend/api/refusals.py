"""Responses to requests that no route takes: JSON under /api/v1, and for browsers a page with a link home."""

import html
import math

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from backend.api.errors import error_body
from backend.api.middleware.request_context import named
from backend.errors import AppError, RateLimited
from backend.kit.i18n import _, current_locale
from backend.kit.observability import log

API = "/api/v1"
ICON = "/app/static/mark.svg"
FONT = "/assets/figtree-latin-wght-normal.woff2"
CODES = {
    400: "malformed",
    401: "not_signed_in",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    503: "unavailable",
}
NOT_FOUND = 404
_log = log.get(__name__)

_STYLE = """
@font-face { font-family: Figtree; src: url(%s) format("woff2"); font-weight: 300 900; }
:root { color-scheme: light dark; --paper: #fbfaf7; --ink: #1f2a28; --quiet: #56605d; --link: #0a5c4c; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #121917; --ink: #e8ede9; --quiet: #b1bcb7; --link: #7fd3b8; }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 Figtree, "Noto Sans", "Noto Sans Devanagari", sans-serif; }
main { box-sizing: border-box; width: 100%%; max-width: 32rem; padding: 1.5rem; overflow-wrap: anywhere; }
h1 { font-size: 2rem; line-height: 1.2; margin: 1rem 0 0.5rem; }
a { display: inline-block; padding: 0.625rem 0; min-height: 1.5rem; color: var(--link); font-weight: 600; }
small { color: var(--quiet); }
"""


class MethodNotAllowed(AppError):
    """The address is read, and not written to."""

    status = 405
    code = "method_not_allowed"


class LengthNeeded(AppError):
    """A body without Content-Length."""

    status = 411
    code = "length_needed"


def refused_by(error: AppError, scope: Scope) -> Response:
    """Return the response of a page's address to an error."""
    answer = refused(scope, error.status, error.message)
    if isinstance(error, RateLimited):
        answer.headers["retry-after"] = str(math.ceil(error.retry_after_seconds))
    if isinstance(error, MethodNotAllowed):
        answer.headers["allow"] = "GET, HEAD"
    return answer


def refused(scope: Scope, status: int, message: str = "", *, has_pages: bool = True) -> Response:
    """Return an answer with this status and a request id, in the form that the caller reads."""
    request_id = named(scope)
    message = message or sentence(status)
    _log.info("request_refused", request_id=request_id, status=status)
    headers = {"x-request-id": request_id, "cache-control": "no-store", "x-content-type-options": "nosniff"}
    accepts = Headers(scope=scope).get("accept", "")
    if is_of_api(scope["path"]) or not has_pages:
        body = error_body(CODES.get(status, "error"), message, request_id)
        return Response(body, status, headers, media_type="application/json")
    if scope["method"] in ("GET", "HEAD") and "text/html" in accepts:
        return HTMLResponse(_page(status, message, request_id), status, headers)
    return Response(f"{message}\n", status, headers, media_type="text/plain")


def is_of_api(path: str) -> bool:
    """Whether the path lies under the API's."""
    return path == API or path.startswith(f"{API}/")


def sentence(status: int) -> str:
    """Return the default sentence for a status."""
    known = {
        400: _("This address cannot be read."),
        401: _("Please sign in first."),
        403: _("This is not allowed."),
        404: _("There is nothing at this address."),
        405: _("This address does not accept such a request."),
        413: _("The file is too large."),
        503: _("The service is starting, or cannot be reached. Please try again in a moment."),
    }
    return known.get(status) or _("This request cannot be answered.")


def _page(status: int, message: str, request_id: str) -> str:
    title = _("Page not found") if status == NOT_FOUND else _("This did not work")
    reference = _("Request {id}").format(id=request_id)
    return f"""<!DOCTYPE html>
<html lang="{current_locale().partition("_")[0]}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)} · {html.escape(_("Chapter Performance"))}</title>
<link rel="icon" href="{ICON}">
<style>{_STYLE % FONT}</style>
</head>
<body>
<main>
<img src="{ICON}" alt="" width="48" height="48">
<h1>{html.escape(title)}</h1>
<p>{html.escape(message)}</p>
<p><a href="/">{html.escape(_("Go to the start page"))}</a></p>
<p><small>{html.escape(reference)}</small></p>
</main>
</body>
</html>
"""
