"""The OpenAPI document is valid, complete and true, and its page asks nothing of another host."""

import ast
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from fastapi.routing import iter_route_contexts
from openapi_spec_validator import validate

from backend.api import create_api
from backend.api.openapi.document import TAGS
from backend.errors import AppError
from backend.kit.model import Shape
from tests.api.caller import Door

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[3]
# Start-up and the demo school speak on the terminal and on pages; a Redis that is away never fails a request.
NOT_BY_HTTP = ("backend/demo/", "backend/kit/embedded/", "backend/kit/redis/client.py")


@cache
def _document() -> dict[str, Any]:
    return create_api().openapi()


def _operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation) for path, item in _document()["paths"].items() for method, operation in item.items()
    ]


def test_the_document_is_valid_openapi() -> None:
    """Any OpenAPI tool can read it."""
    validate(_document())


def test_every_route_stands_in_the_document() -> None:
    """Only the browser's sign-in, the page that stops letters, the document and its page are left out."""
    hidden = {"/auth/browser-session", "/mails/unsubscribe", "/mails/confirm", "/openapi.json", "/docs", "/docs.css"}
    routes = {
        (route.path_format, method.lower())
        for route in iter_route_contexts(create_api().routes)
        for method in route.methods or ()
    }
    documented = {(path, method) for path, method, _operation in _operations()}
    assert documented == {(path, method) for path, method in routes if path not in hidden}


def test_every_answer_has_a_shape() -> None:
    """Each status names the type of its body, save those that lead elsewhere; every failure is a Failure."""
    for path, method, operation in _operations():
        for status, response in operation["responses"].items():
            if status in {"303", "304"}:
                assert "content" not in response
                continue
            for media in response["content"].values():
                assert media["schema"], (path, method, status)
                if int(status) >= 400:
                    assert media["schema"]["$ref"].endswith("/Failure")


def test_every_route_says_what_it_is_for_who_may_call_and_how_it_fails() -> None:
    """Summary, one known tag, security, and at least one failure stand with each route."""
    tags = {tag["name"] for tag in TAGS}
    for path, method, operation in _operations():
        assert operation["summary"], (path, method)
        assert set(operation["tags"]) <= tags
        assert "security" in operation
        assert "503" in operation["responses"]
        assert ("401" in operation["responses"]) >= bool(operation["security"]), (path, method)
        assert not {"requestBody"} & set(operation) or {"400", "413", "415", "422"} <= set(operation["responses"])


def test_shapes_are_named_for_people() -> None:
    """No component is called after Python's generics, and none of the framework's own is left."""
    for name in _document()["components"]["schemas"]:
        assert re.fullmatch(r"[A-Z][A-Za-z]+", name), name
    assert "HTTPValidationError" not in _document()["components"]["schemas"]


def test_points_in_time_are_named_as_such() -> None:
    """Every datetime of a shape is a date-time in the document."""
    schemas = _document()["components"]["schemas"]
    for shape in _subclasses(Shape):
        for field in msgspec.structs.fields(shape) if shape.__name__ in schemas else ():
            if "datetime.datetime" in str(field.type) or field.type is datetime:
                assert "date-time" in str(schemas[shape.__name__]["properties"][field.encode_name]), field


def test_every_reference_leads_somewhere() -> None:
    """Each $ref names a component that exists."""
    text = str(_document())
    for kind, name in re.findall(r"#/components/(\w+)/(\w+)", text):
        assert name in _document()["components"][kind]


def test_the_error_codes_are_those_of_the_docs() -> None:
    """docs/api.md lists exactly the codes that the program can answer with."""
    table = (ROOT / "docs" / "api.md").read_text().partition("| code | status |")[2]
    rows = re.findall(r"^\| ([\w, ]+) \| \d", table, flags=re.MULTILINE)
    listed = {code for row in rows for code in row.split(", ")}
    assert listed == _codes()


def _codes() -> set[str]:
    found = {error.code for error in _subclasses(AppError)} | {AppError.code}
    for path in (ROOT / "backend").rglob("*.py"):
        if path.relative_to(ROOT).as_posix().startswith(NOT_BY_HTTP):
            continue
        tree = ast.parse(path.read_text())
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            for keyword in call.keywords:
                if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                    found.add(str(keyword.value.value))
    return found | {"method_not_allowed"}


def _subclasses(kind: type[T]) -> set[type[T]]:
    return {each for direct in kind.__subclasses__() for each in {direct, *_subclasses(direct)}}


def test_the_page_draws_every_route_without_script_or_foreign_address(door: Door) -> None:
    """The documentation page is plain HTML of our own: nothing is fetched from elsewhere, nothing is executed."""
    answer = door.anyone.get("/docs")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "script" not in answer.headers["Content-Security-Policy"]
    assert "<script" not in answer.text
    for address in re.findall(r'(?:href|src)="([^"]*)"', answer.text):
        assert address.startswith(("#", "/api/v1/", "data:,")), address
    for _path, _method, operation in _operations():
        assert f'id="{operation["operationId"]}"' in answer.text
    for reference in re.findall(r'href="#(shape-\w+)"', answer.text):
        assert f'id="{reference}"' in answer.text
    assert "http" not in re.sub(r"/\*.*?\*/", "", door.anyone.get("/docs.css").text)


def test_the_document_served_is_the_document(door: Door) -> None:
    """The address gives what the other tests looked at, once: then 304."""
    answer = door.anyone.get("/openapi.json")
    assert answer.json() == _document()
    assert door.anyone.get("/openapi.json", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
