"""The envelope of the contract: how a value becomes an answer. msgspec writes it, seven times faster than a dict."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar

import msgspec
from fastapi import Response

from backend.kit import staleness
from backend.kit.model import Shape
from backend.kit.read_log import farthest_source

T = TypeVar("T")
_encoder = msgspec.json.Encoder()


class Pagination(Shape, frozen=True, kw_only=True):
    """The position of a page in its list. `nextCursor` continues with `after`; null on the last page."""

    page: int
    limit: int
    total: int
    total_pages: int
    next_cursor: str | None = None


class Answer(Shape, Generic[T], frozen=True, kw_only=True):
    """One value."""

    success: Literal[True] = True
    data: T


class Listing(Shape, Generic[T], frozen=True, kw_only=True):
    """One page of a list."""

    success: Literal[True] = True
    data: Sequence[T]
    pagination: Pagination


class Reason(Shape, frozen=True, kw_only=True):
    """`code` is stable and for programs, `message` a sentence for people; `requestId` names the request in logs."""

    code: str
    message: str
    request_id: str
    details: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class Failure(Shape, frozen=True, kw_only=True):
    """The shape of every failure."""

    success: Literal[False] = False
    error: Reason


def answer(data: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return {"success": true, "data": …}; the header X-Cache names the source of cached reads."""
    return _respond(Answer(data=data), status, headers)


def listing(items: Sequence[object], pagination: Pagination) -> Response:
    """Return a page of a list with its pagination."""
    return _respond(Listing(data=items, pagination=pagination), 200, None)


def _respond(envelope: Shape, status: int, headers: Mapping[str, str] | None) -> Response:
    response = Response(_encoder.encode(envelope), status, headers, media_type="application/json")
    response.headers.update(cache_headers())
    return response


def cache_headers() -> dict[str, str]:
    """Return X-Cache with the source of cached reads; and if stale data was used, its age in seconds and a warning."""
    source, seconds = farthest_source(), staleness.oldest_seconds()
    headers: dict[str, str] = {"X-Cache": source} if source else {}
    if seconds is not None:
        headers |= {"Age": str(int(seconds)), "Warning": '111 - "Revalidation Failed"'}
    return headers
