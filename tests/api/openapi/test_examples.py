"""The examples of the OpenAPI document are real: each answer decodes to its type, each body is taken by its route."""

from typing import Any

import msgspec
import pytest
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, TypeAdapter

from backend.api import create_api
from backend.api.openapi.document import build_document
from backend.api.openapi.examples import example_of
from backend.api.openapi.responses import JSON, returned_types
from backend.api.schemas.envelope import Failure

DOCUMENT = create_api().openapi()
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]


def _answers() -> list[tuple[str, str, Any]]:
    return [
        (route, status, response["content"][JSON])
        for route, operation in OPERATIONS
        for status, response in operation["responses"].items()
        if status.startswith("2") and JSON in response.get("content", {}) and not route.endswith("/export")
    ]


def test_every_answer_and_body_has_an_example() -> None:
    """Success by success, body by body; files and streams apart."""
    assert len(_answers()) > 50
    assert not [(route, status) for route, status, content in _answers() if "example" not in content]
    for route, operation in OPERATIONS:
        body = operation.get("requestBody", {}).get("content", {}).get(JSON)
        assert body is None or body.get("example"), route


@pytest.mark.parametrize("kind", [each for each in returned_types if each is not Failure], ids=str)
def test_what_is_made_for_a_type_decodes_to_it(kind: Any) -> None:
    """A made example is taken by the very type that the route encodes, and holds no field that it has not."""
    made = example_of(kind)
    decoded = msgspec.convert(made, kind, strict=False)
    assert set(made) <= set(msgspec.to_builtins(decoded))


def test_examples_fit_the_schemas_beside_them() -> None:
    """Also those that were written by hand: name by name, a number where a number belongs."""
    shapes = DOCUMENT["components"]["schemas"]
    for route, status, content in _answers():
        _check(content["example"], content["schema"], shapes, f"{route} {status}")


def test_every_example_body_is_taken_by_its_model() -> None:
    """What the document shows as a request is one that the route reads."""
    models = _models()
    tried = 0
    for route, operation in OPERATIONS:
        body = operation.get("requestBody", {}).get("content", {}).get(JSON)
        if body is not None:
            TypeAdapter(models[route]).validate_python(body["example"])
            tried += 1
    assert tried > 12


def test_the_document_is_the_same_each_time() -> None:
    """Building it twice changes nothing: a program may compare it with the one it knows."""
    assert build_document(create_api()) == DOCUMENT


def _models() -> dict[str, type[BaseModel]]:
    found = {}
    for route in iter_route_contexts(create_api().routes):
        dependant = getattr(route.original_route, "dependant", None)
        for parameter in dependant.body_params if dependant else ():
            for method in route.methods or ():
                found[f"{method} {route.path_format}"] = parameter.field_info.annotation
    return found


def _check(value: Any, schema: dict[str, Any], shapes: dict[str, Any], where: str) -> None:
    if "$ref" in schema:
        schema = shapes[schema["$ref"].rsplit("/", 1)[-1]]
    if "anyOf" in schema:
        assert value is not None or "null" in [each.get("type", "object") for each in schema["anyOf"]], where
        return
    if "properties" in schema:
        assert isinstance(value, dict), where
        assert set(schema.get("required", ())) <= set(value) <= set(schema["properties"]), where
        for name, each in value.items():
            _check(each, schema["properties"][name], shapes, f"{where} {name}")
    elif schema.get("type") == "array":
        for each in value:
            _check(each, schema.get("items", {}), shapes, where)
    elif "enum" in schema:
        assert value in schema["enum"], where
    else:
        kinds: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
        assert isinstance(value, kinds.get(schema.get("type", ""), object)), (where, value)
