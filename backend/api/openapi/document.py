"""The OpenAPI document: FastAPI's own, with the shapes of msgspec, and with every error that a route's form implies."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from backend.api.deps import backend_of, optional_viewer, signed_in
from backend.api.idempotency import HEADER, LONGEST, takes_key
from backend.api.middleware.rate_limits import kind_of
from backend.api.openapi.examples import example_of_body
from backend.api.openapi.permissions import roles_of
from backend.api.openapi.responses import EXAMPLE, JSON, REF, examples, failed, returned_types
from backend.api.refusals import API
from backend.api.router import calls_of

ABOUT = """
Chapters, progress and class figures of this school, for programs.
Answers are JSON in camelCase, times are RFC 3339 in UTC.

A success is `{"success": true, "data": …}`, a list adds `"pagination"`. A failure is
`{"success": false, "error": {"code", "message", "details"?, "requestId"}}`: decide by `code`, show `message`.

Every answer has an `X-Request-Id`; send one of your own and it is taken over. Where `X-Cache` stands, it names the
farthest layer that had to be asked: app, redis or database.
""".strip()
TAGS = [
    {"name": "Sign-in", "description": "Tokens for programs. Browsers use the session cookie, for reading only."},
    {"name": "Chapters", "description": "The catalogue that all share. Teachers and admins change it."},
    {"name": "Progress", "description": "A student's own work. Each save can be repeated safely and taken back."},
    {"name": "Classrooms", "description": "A teacher's groups, and who needs attention and why."},
    {"name": "Statistics", "description": "Sums over all students, without names."},
    {"name": "Leaderboard", "description": "By choice, under the name that a student picked."},
    {"name": "Events", "description": "Changes as they happen, as server-sent events."},
    {"name": "Administration", "description": "For administrators: people, limits, the cache, the audit trail."},
    {"name": "Health", "description": "For load balancers and monitors. Open to anyone."},
]
SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The accessToken of /auth/login",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "The cookie of a signed-in browser; read only, and only for pages of this address",
    },
}
HEADERS: dict[str, Any] = {
    "RequestId": {"description": "Names this request in answers and logs", "schema": {"type": "string"}},
    "Cache": {
        "description": "The farthest layer that had to be asked for cached reads",
        "schema": {"type": "string", "enum": ["app", "redis", "database"]},
    },
    "RateLimitPolicy": {
        "description": "The limits that hold: name, quota q, window w in seconds (IETF draft, version 10)",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "Of each limit what remains (r), and in how many seconds it is whole again (t)",
        "schema": {"type": "string"},
    },
    "RetryAfter": {"description": "Seconds until the next request is let in", "schema": {"type": "integer"}},
    "ETag": {"description": "For If-None-Match, and on a chapter for If-Match", "schema": {"type": "string"}},
}
LIMIT_HEADERS = {"RateLimit": "RateLimit", "RateLimit-Policy": "RateLimitPolicy"}
_BODY_ERRORS = (400, 408, 413, 415, 422)
_MOMENT = re.compile(r"(^a|A)t$|^asOf$|Since$|^slot$|^askedFor$|^(since|until|journalFrom|journalUntil)$")
_TUPLE = re.compile(r"\bAnswer_tuple_[\w.]*?\.(\w+?)__\.\.\.__")
_OF_FEATURE = re.compile(r"\bbackend\.(\w+)\.models\.(\w+)")  # two features have a shape of this name
_GENERIC = re.compile(r"\b(Answer|Listing)_(\w+?)_(?=[\"/]|$)")
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "ETag of the answer that the caller has",
}
IF_MATCH = IF_NONE_MATCH | {"name": "If-Match", "description": "ETag of the version that was changed"}


IDEMPOTENCY_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": r"^[\x21-\x7e]+$"},
    "description": "Names this act: the same key and request again give back the first answer and do nothing",
}


def install_document(api: FastAPI) -> None:
    """Let `api.openapi()` give the complete document."""

    @cache
    def openapi() -> dict[str, Any]:
        return build_document(api)

    api.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document


def build_document(api: FastAPI) -> dict[str, Any]:
    """The whole document as JSON values."""
    document = get_openapi(
        title=api.title,
        version=api.version,
        description=ABOUT,
        routes=api.routes,
        tags=TAGS,
        servers=[{"url": API}],
        separate_input_output_schemas=False,
    )
    _schemas, shapes = msgspec.json.schema_components(returned_types, ref_template=REF)
    components = document.setdefault("components", {})
    known: dict[str, Any] = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        known.pop(name, None)
    for shape in shapes.values():
        _say_moments(shape.get("properties", {}))
        _say_always(shape)
    components["schemas"] = {**known, **shapes}
    components["securitySchemes"] = SECURITY_SCHEMES
    components["headers"] = HEADERS
    calls = dict(_calls_by_operation(api))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            has_key = takes_key(method.upper(), path)
            _complete(operation, method, calls[method.upper(), path], takes_key=has_key)
            if kind_of(path):
                _say_limits(operation)
            _say_body(operation, components["schemas"])
            roles = roles_of(method, path)
            if roles is not None:
                operation["x-roles"] = roles
    document["paths"] = dict(sorted(document["paths"].items()))
    return _renamed(document)


def _say_limits(operation: dict[str, Any]) -> None:
    """Every answer of a limited route says how much is left, and one more may be that nothing is."""
    responses: dict[str, Any] = operation["responses"]
    responses.setdefault("429", _with_headers("429", failed(429), ""))
    for status, response in responses.items():
        response["headers"] |= {name: {"$ref": f"#/components/headers/{ref}"} for name, ref in LIMIT_HEADERS.items()}
        if status == "429":
            response["headers"]["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    operation["responses"] = dict(sorted(responses.items()))


def _say_body(operation: dict[str, Any], shapes: dict[str, Any]) -> None:
    """Give the request body an example."""
    content: dict[str, Any] = operation.get("requestBody", {}).get("content", {}).get(JSON, {})
    if content:
        content.setdefault("example", example_of_body("", content["schema"], shapes))


def _say_moments(properties: dict[str, Any]) -> None:
    """Name the format of points in time, which msgspec leaves out; ours are always in UTC."""
    for name, schema in properties.items():
        for each in (schema, *schema.get("anyOf", ())):
            if _MOMENT.search(name) and each.get("type") == "string":
                each["format"] = "date-time"


def _say_always(shape: dict[str, Any]) -> None:
    """Fields with a default are written all the same, so a reader may count on them."""
    if "properties" in shape:
        needed = shape.get("required", [])
        shape["required"] = [name for name, each in shape["properties"].items() if name in needed or "default" in each]


def _calls_by_operation(api: FastAPI) -> Iterator[tuple[tuple[str, str], frozenset[Any]]]:
    """Yield the dependencies of each operation: they decide who may call it and how it can fail."""
    for route in iter_route_contexts(api.routes):
        dependant = getattr(route.original_route, "dependant", None)
        if dependant is not None:
            calls = frozenset(calls_of(dependant))
            for method in route.methods or ():
                yield (method, route.path_format or ""), calls


def _complete(operation: dict[str, Any], method: str, calls: frozenset[Any], *, takes_key: bool) -> None:
    _split_docstring(operation)
    responses: dict[str, Any] = operation["responses"]
    parameters: list[dict[str, Any]] = operation.setdefault("parameters", [])
    if "304" in responses:
        parameters.append(IF_NONE_MATCH)
    if "412" in responses:
        parameters.append(IF_MATCH)
    responses.pop("422", None)
    if takes_key:
        parameters.append(IDEMPOTENCY_KEY)
    for status in _implied(operation, calls):
        responses.setdefault(str(status), failed(status))
    operation.setdefault("security", _security(calls, method))
    for response in responses.values():
        content = response.get("content", {}).get(JSON, {})
        if EXAMPLE in content:
            content["example"] = examples[content.pop(EXAMPLE)]
    operation["responses"] = {status: _with_headers(status, responses[status], method) for status in sorted(responses)}


def _split_docstring(operation: dict[str, Any]) -> None:
    """The first line of a route's docstring is its summary, the rest its description."""
    summary, _newline, description = operation.get("description", "").partition("\n")
    operation["summary"] = summary.strip()
    operation["description"] = " ".join(description.split())
    if not operation["description"]:
        del operation["description"]


def _implied(operation: dict[str, Any], calls: frozenset[Any]) -> Iterator[int]:
    if "requestBody" in operation:
        yield from _BODY_ERRORS
    if any(each["in"] != "path" and each["name"] != "If-None-Match" for each in operation["parameters"]):
        yield 422
    if any(each["name"] == HEADER for each in operation["parameters"]):
        yield 409
    if optional_viewer in calls:
        yield 401
    if backend_of in calls:
        yield 503


def _security(calls: frozenset[Any], method: str) -> list[dict[str, list[str]]]:
    """The cookie counts for reading only; where the caller may be anybody, nothing (an empty object) will do."""
    if optional_viewer not in calls:
        return []
    ways: list[dict[str, list[str]]] = [{"bearer": []}]
    if method == "get":
        ways.append({"session": []})
    return ways if signed_in in calls else [{}, *ways]


def _with_headers(status: str, response: dict[str, Any], method: str) -> dict[str, Any]:
    headers = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
    if method == "get" and status == "200":
        headers["X-Cache"] = {"$ref": "#/components/headers/Cache"}
    return response | {"headers": headers}


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    """Answer_ChapterItem_ as ChapterItemAnswer, which code generators and people take better."""
    text = _TUPLE.sub(r"\1sAnswer", msgspec.json.encode(document).decode())
    text = _OF_FEATURE.sub(lambda found: found[1].title() + found[2], text)
    text = _GENERIC.sub(r"\2\1", text).replace("NoneType", "Nothing")
    renamed: dict[str, Any] = msgspec.json.decode(text.encode())
    renamed["components"]["schemas"] = dict(sorted(renamed["components"]["schemas"].items()))
    return renamed
