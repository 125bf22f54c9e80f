"""The responses of a route in the OpenAPI document. Errors that follow from its signature are added later."""

from typing import Any

import msgspec
from fastapi import Response

from backend.api.openapi.examples import example_of
from backend.api.schemas.envelope import Answer, Failure

REF = "#/components/schemas/{name}"
JSON = "application/json"
EVENTS = "text/event-stream"
TEXT = "text/plain"
EXAMPLE = "x-example"

REASONS = {
    400: "The request cannot be read",
    401: "Not signed in, or the token is not valid",
    403: "The caller's role does not allow this",
    404: "There is no such thing, or the caller may not know of it",
    408: "The body came too slowly",
    409: "It cannot be done as things stand: changed meanwhile, exists already, or asks first",
    412: "The chapter is no longer the version that If-Match names",
    413: "The body is too large: 1 MB, or 50 MB for a file",
    415: "The body is of a kind that is not read here",
    422: "Some fields do not fit; error.details.fields names them where they are known",
    428: "Neither “version” nor If-Match says which version was changed",
    429: "Too many at once; Retry-After says when to try again",
    503: "A part of the service does not answer; try again soon",
}

# Every type that a route returns, for the document to spell out.
returned_types: list[Any] = [Failure]
# Put into the document at the end: FastAPI takes every null out of what it is given.
examples: list[Any] = []


def returns(
    kind: Any,
    *errors: int,
    status: int = 200,
    says: str,
    example: Any = None,
    conditional: bool = False,
    accepted: str = "",
) -> dict[str, Any]:
    """Arguments of a route that answers `kind`: documented in full, and encoded by the route itself.

    `errors` are the statuses that only this route knows of; `conditional` routes have an ETag and answer 304;
    `accepted` says of a route that may answer 202, with nothing yet, what is waited for.
    """
    returned_types.append(kind)
    responses: dict[int | str, Any] = {status: _success(kind, says, example)}
    if accepted:
        responses[202] = _success(Answer[None], accepted)
    if conditional:
        responses[304] = {"description": "The caller has this answer already"}
    for error in errors:
        responses[error] = failed(error)
    return {"response_class": Response, "status_code": status, "responses": responses}


def _success(kind: Any, says: str, example: Any = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": _reference(kind), EXAMPLE: len(examples)}
    examples.append({"success": True} | (example or example_of(kind)))
    return {"description": says, "content": {JSON: content}}


def returns_file(says: str, kinds: tuple[str, ...], *errors: int, rows: Any = None) -> dict[str, Any]:
    """Arguments of a route that answers a file of one of these kinds; as JSON, where that is one, a list of `rows`."""
    content: dict[str, Any] = {kind: {"schema": {"type": "string", "contentMediaType": kind}} for kind in kinds}
    if rows is not None:
        returned_types.append(rows)
        content[JSON] = {"schema": {"type": "array", "items": _reference(rows)}}
    responses: dict[int | str, Any] = {200: {"description": says, "content": content}}
    responses |= {error: failed(error) for error in errors}
    return {"response_class": Response, "responses": responses}


def returns_text(says: str, *errors: int) -> dict[str, Any]:
    """Arguments of a route that answers plain text."""
    responses: dict[int | str, Any] = {200: {"description": says, "content": {TEXT: {"schema": {"type": "string"}}}}}
    responses |= {error: failed(error) for error in errors}
    return {"response_class": Response, "responses": responses}


def returns_stream(says: str, *errors: int) -> dict[str, Any]:
    """Arguments of a route whose answer goes on until one side ends it (server-sent events)."""
    responses: dict[int | str, Any] = {200: {"description": says, "content": {EVENTS: {"schema": {"type": "string"}}}}}
    responses |= {error: failed(error) for error in errors}
    return {"response_class": Response, "responses": responses}


def failed(status: int) -> dict[str, Any]:
    """The documentation of one failure."""
    return {"description": REASONS[status], "content": {JSON: {"schema": _reference(Failure)}}}


def _reference(kind: Any) -> dict[str, Any]:
    (schema,), _components = msgspec.json.schema_components([kind], ref_template=REF)
    return schema
