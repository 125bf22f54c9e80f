"""Pages of lists that are at hand as a whole: by number, or from a cursor that keeps its place while rows come."""

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from fastapi import Response

from backend.api.schemas.envelope import Pagination, listing
from backend.api.schemas.requests import Page
from backend.errors import Invalid
from backend.kit.i18n import _

T = TypeVar("T")
Place = tuple[str | int | float, ...]


def paged(items: Sequence[T], query: Page, place: Callable[[T], Place], *, descending: bool = False) -> Response:
    """One page of `items` in the order of their places, which must be all different and stay as they are."""
    ordered = sorted(items, key=place, reverse=descending)
    start = (query.page - 1) * query.limit
    if query.after:
        start = _behind([place(item) for item in ordered], read_cursor(query.after), descending=descending)
    shown = ordered[start : start + query.limit]
    more = start + query.limit < len(ordered)
    total = len(ordered)
    return listing(
        shown,
        Pagination(
            page=start // query.limit + 1 if query.after else query.page,
            limit=query.limit,
            total=total,
            total_pages=max(1, -(-total // query.limit)),
            next_cursor=cursor(place(shown[-1])) if more and shown else None,
        ),
    )


def cursor(place: Place) -> str:
    """A place as it is given out."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()


def read_cursor(after: str) -> tuple[Any, ...]:
    """The place of a cursor. Raises Invalid for what was not given out."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(after.encode()), type=tuple[str | int | float, ...])
    except (ValueError, msgspec.MsgspecError) as error:
        raise bad_cursor() from error


def bad_cursor() -> Invalid:
    """Return the error for a cursor that this API did not give out."""
    return Invalid(_("The cursor “after” is not valid."))


def _behind(places: Sequence[Place], last: Place, *, descending: bool) -> int:
    try:
        return sum(each >= last if descending else each <= last for each in places)
    except TypeError as error:
        raise bad_cursor() from error
