"""Error handlers: they turn errors into responses of the contract, {"success": false, "error": {…}}."""

import json
import math
import secrets
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send

from backend.errors import AppError, RateLimited, Unavailable
from backend.kit.i18n import _
from backend.kit.observability import log

FIELDS_SHOWN = 20
PATH_LENGTH = 200
POLICY_VIOLATION = 1008

_log = log.get(__name__)


class Malformed(AppError):
    """The request cannot be read at all."""

    status = 400
    code = "malformed"


class TooSlow(AppError):
    """The body did not arrive in time."""

    status = 408
    code = "too_slow"


class PreconditionFailed(AppError):
    """If-Match names a version that is no longer the present one."""

    status = 412
    code = "stale"


class UnsupportedMedia(AppError):
    """The body is of a kind that this address does not read."""

    status = 415
    code = "unsupported_media_type"


class PreconditionRequired(AppError):
    """The change must say which version it is a change of."""

    status = 428
    code = "version_needed"


def install_error_handlers(api: FastAPI) -> None:
    """Install the handlers of `api`; unexpected errors are handled by RequestContextMiddleware."""
    api.add_exception_handler(AppError, _app_error)
    api.add_exception_handler(RequestValidationError, _invalid_request)
    api.add_exception_handler(HTTPException, _http_error)
    api.add_exception_handler(ClientDisconnect, _client_left)


def failure(status: int, code: str, message: str, request: Request, details: Any = None) -> Response:
    """Return an error response."""
    body = error_body(code, message, request_id(request), details)
    headers = {"Retry-After": str(math.ceil(Unavailable.retry_after_seconds))} if status == Unavailable.status else None
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def error_body(code: str, message: str, request_id: str, details: Any = None) -> bytes:
    """Return the JSON of an error response."""
    error = {"code": code, "message": message, "requestId": request_id}
    if details:
        error["details"] = details
    # Half a surrogate pair in what somebody sent would make the answer itself impossible to encode.
    return json.dumps({"success": False, "error": error}, ensure_ascii=False).encode("utf-8", "replace")


def unforeseen(request: Request, error: Exception) -> Response:
    """Return the response to an unexpected error, which is logged in full and shown without details."""
    _log.error("request_failed", request_id=request_id(request), exc_info=error)
    return failure(500, "error", _("Something went wrong on our side."), request)


def answer_to(request: Request, error: AppError) -> Response:
    """Return the response to an AppError."""
    response = failure(error.status, error.code, error.message, request, error.details)
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds)))
    if error.status == 401:  # noqa: PLR2004  (RFC 9110 wants the scheme named beside every 401)
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


async def refuse_socket(scope: Scope, receive: Receive, send: Send, response: Response, reason: str) -> None:
    """Refuse the opening of a websocket with `response`; with a close code where the server cannot say more."""
    await receive()
    if "websocket.http.response" in scope.get("extensions", {}):
        await response(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": reason[:100]})


def request_id(request: Request) -> str:
    """The id that names this request in answers and logs."""
    known: str | None = getattr(request.state, "request_id", None)
    if known is None:
        known = request.state.request_id = secrets.token_hex(8)
    return known


def _app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)  # noqa: S101  (registered for AppError alone)
    return answer_to(request, error)


def _client_left(_request: Request, _error: Exception) -> Response:
    """Return the response to a client that disconnected before its body was complete; nobody reads it."""
    return Response(status_code=400)


def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  (registered for it alone)
    problems = error.errors()
    for one in problems:
        if one["type"] == "json_invalid":
            return answer_to(request, _broken_json(one["loc"][-1]))
    if any(one["loc"][0] == "body" for one in problems) and _is_foreign(request):
        return answer_to(request, UnsupportedMedia(_("Send the body as application/json.")))
    fields = [{"field": _field(one["loc"]), "problem": str(one["msg"])} for one in problems[:FIELDS_SHOWN]]
    return failure(422, "invalid", _("Some fields are not valid."), request, {"fields": fields})


def _broken_json(position: object) -> Malformed:
    return Malformed(
        _("The body is not valid JSON; reading stopped at character {position}.").format(position=position)
    )


def _is_foreign(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    return not is_json and request.headers.get("content-length") != "0"


def _field(location: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in location[1:])[:PATH_LENGTH]


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for it alone)
    if isinstance(error.__cause__, AppError):  # the framework makes 400 of what was raised while it read the body
        return answer_to(request, error.__cause__)
    code, message = _said(request, error)
    response = failure(error.status_code, code, message, request)
    response.headers.update(error.headers or {})
    if error.status_code == 405:  # noqa: PLR2004  (the framework names the methods of one route only)
        response.headers["Allow"] = ", ".join(sorted(_allowed(request)))
    return response


def _said(request: Request, error: HTTPException) -> tuple[str, str]:
    known = {
        400: ("malformed", _("The body cannot be read ({reason}).").format(reason=str(error.detail).rstrip("."))),
        404: ("not_found", _("There is nothing at this address.")),
        405: ("method_not_allowed", _("This address does not accept {method}.").format(method=request.method[:20])),
        408: (TooSlow.code, str(error.detail)),
        413: ("too_large", str(error.detail)),
    }
    return known.get(error.status_code, ("error", str(error.detail)))


def _allowed(request: Request) -> set[str]:
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path and compile_path(route.path)[0].match(path):
            methods |= route.methods or set()
    return methods | ({"HEAD"} if "GET" in methods else set())
