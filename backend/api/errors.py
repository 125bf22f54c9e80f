"""One place that turns errors into answers of the contract: {"success": false, "error": {…}}."""

import secrets
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from backend.errors import AppError, RateLimited
from backend.kit import log
from backend.kit.i18n import _

_log = log.get(__name__)


def install_error_handlers(api: FastAPI) -> None:
    """Let every failure of `api` leave in the shape of the contract."""
    api.add_exception_handler(AppError, _app_error)
    api.add_exception_handler(RequestValidationError, _invalid_request)
    api.add_exception_handler(HTTPException, _http_error)
    api.add_exception_handler(Exception, _unforeseen)


def failure(status: int, code: str, message: str, request: Request, details: Any = None) -> JSONResponse:
    """An answer that says what went wrong."""
    error = {"code": code, "message": message, "requestId": request_id(request)}
    if details:
        error["details"] = details
    return JSONResponse({"success": False, "error": error}, status_code=status)


def request_id(request: Request) -> str:
    """The id that names this request in answers and logs."""
    known: str | None = getattr(request.state, "request_id", None)
    if known is None:
        known = request.state.request_id = secrets.token_hex(8)
    return known


def _app_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)  # noqa: S101  (registered for AppError alone)
    response = failure(error.status, error.code, error.message, request, error.details)
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(max(1, round(error.retry_after_seconds)))
    return response


def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  (registered for it alone)
    fields = [{"field": ".".join(map(str, one["loc"][1:])), "problem": one["msg"]} for one in error.errors()]
    return failure(422, "invalid", _("Some fields do not fit."), request, {"fields": fields})


def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for it alone)
    codes = {404: "not_found", 405: "method_not_allowed"}
    response = failure(error.status_code, codes.get(error.status_code, "error"), str(error.detail), request)
    response.headers.update(error.headers or {})
    return response


def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    _log.error("request_failed", request_id=request_id(request), exc_info=error)
    return failure(500, "error", _("Something went wrong on our side."), request)
