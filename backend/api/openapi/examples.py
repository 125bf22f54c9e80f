"""Examples for the OpenAPI document, made from the shapes themselves, so that none can be missing or out of date."""

from collections.abc import Mapping
from typing import Any

from msgspec import inspect

Json = dict[str, Any]
MOMENT, DAY = "2026-11-18T06:30:00Z", "2026-11-18"
ID, OTHER_ID = "69238f0b8a3c5e0b1c000001", "69238f0b8a3c5e0b1c000002"

# Sample values by field name, in any shape; then exceptions for shapes that use a name differently.
SAMPLES: Mapping[str, Any] = {
    "accessToken": "eyJhbGciOiJIUzI1NiIsImtpZCI6IjFhMmIzYzRkIn0.eyJzdWIiOiI2OSJ9.c2lnbmF0dXJl",
    "address": "203.0.113.7",
    "agent": "timetable/2.1",
    "averageCompleted": 0.42,
    "batchId": "1f0c3a9b7d2e4f5061728394",
    "boardMode": "opt-in",
    "boardName": "Quiet Comet",
    "chapter": "Units and Dimensions",
    "challenge": "c2Vjb25kLWZhY3Rvci1jaGFsbGVuZ2U",
    "class": "Class 11",
    "code": "not_found",
    "currentPassword": "a good long one",
    "device": "Firefox on Windows",
    "email": "sita@example.org",
    "examShare": 0.012,
    "expiresIn": 900,
    "file": "chapters.csv",
    "firstDay": "2026-11-16",
    "isActive": True,
    "isReady": True,
    "joinCode": "ABCD-EFGH",
    "lastDay": "2026-11-22",
    "limit": 20,
    "locale": "en_IN",
    "message": "There is no such chapter.",
    "name": "Sita Sharma",
    "newPassword": "an even better one",
    "nextCursor": "WyIxMiBBIiwiNjkyMzhmMGIiXQ==",
    "page": 1,
    "password": "a good long one",
    "questionSolved": 8,
    "questionTotal": 15,
    "reasons": ["Has not saved anything for 9 days."],
    "refreshToken": "hpW0yGk3bWQ0n0mEo0G0mJ1yR1m3pQ1V8m0b0c9TjUE",
    "region": "chapters",
    "role": "student",
    "requestId": "be9bcda89bb3307d",
    "state": "ok",
    "status": "In Progress",
    "subject": "Physics",
    "teacherIds": [OTHER_ID],
    "timeZone": "Asia/Kolkata",
    "token": "N3JxVnQ2b0ZyV0dGd1p4c0Q1bG1hVQ",
    "tokenType": "Bearer",
    "total": 101,
    "totalPages": 6,
    "unit": "Mechanics 1",
    "version": 1,
    "yearWiseQuestionCount": {"2023": 5, "2024": 4, "2025": 6},
}
OF_SHAPE: Mapping[tuple[str, str], Any] = {
    ("BoardScope", "id"): "everyone",
    ("BoardScope", "name"): "Everyone",
    ("CacheRegion", "name"): "chapters",
    ("Check", "name"): "mongodb",
    ("Classroom", "name"): "12 A",
    ("ClassroomNew", "name"): "12 A",
    ("Classroom", "archivedAt"): None,
    ("Chapter", "archivedAt"): None,
    ("User", "secondFactorAt"): None,
    ("Saved", "changed"): 1,
    ("ClassroomChange", "name"): "12 B",
    ("Process", "version"): "1.0.0",
}
_DEPTH = 8


def example_of(kind: Any) -> Any:
    """An answer of this type as JSON values."""
    return _value(inspect.type_info(kind), "", "", 0)


def example_of_body(name: str, schema: Mapping[str, Any], shapes: Mapping[str, Any]) -> Any:
    """A request body as its JSON schema wants it; `shapes` are the components that it refers to."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        schema = shapes[name]
    if schema.get("examples"):
        return schema["examples"][0]
    if "properties" in schema:
        return {field: _sent(name, field, each, shapes) for field, each in schema["properties"].items()}
    if schema.get("type") == "array":
        return [example_of_body(name, schema["items"], shapes)]
    return _plain(schema)


def _sent(shape: str, field: str, schema: Mapping[str, Any], shapes: Mapping[str, Any]) -> Any:
    if schema.get("examples"):
        return schema["examples"][0]
    fitting = next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)
    if "enum" in fitting or "const" in fitting:
        known = fitting.get("enum", [fitting.get("const")])
        return SAMPLES.get(field) if SAMPLES.get(field) in known else known[0]
    if (shape, field) in OF_SHAPE or field in SAMPLES:
        return OF_SHAPE.get((shape, field), SAMPLES.get(field))
    return example_of_body(field, fitting, shapes)


def _plain(schema: Mapping[str, Any]) -> Any:
    kinds = {"string": "text", "integer": max(1, schema.get("minimum", 1)), "number": 0.5, "boolean": True}
    if schema.get("format") in ("date", "date-time"):
        return DAY if schema["format"] == "date" else MOMENT
    return kinds.get(schema.get("type", ""), {})


def _value(kind: inspect.Type, shape: str, field: str, depth: int) -> Any:
    if (shape, field) in OF_SHAPE:
        return OF_SHAPE[shape, field]
    kind, sample = _shown(kind), SAMPLES.get(field)
    if isinstance(kind, inspect.LiteralType):
        return sample if sample in kind.values else kind.values[0]
    if isinstance(kind, inspect.EnumType):
        return next(iter(kind.cls)).value
    if sample is not None and isinstance(sample, _HELD.get(type(kind), ())):
        return sample
    return _made(kind, shape, field, depth)


def _made(kind: inspect.Type, shape: str, field: str, depth: int) -> Any:
    if isinstance(kind, inspect.StructType):
        name = kind.cls.__name__
        return {each.encode_name: _value(each.type, name, each.encode_name, depth + 1) for each in kind.fields}
    if isinstance(kind, inspect.TupleType):
        return [_value(each, shape, field, depth + 1) for each in kind.item_types]
    if isinstance(kind, inspect.CollectionType):
        return [_value(kind.item_type, shape, field, depth + 1)] if depth < _DEPTH else []
    if isinstance(kind, inspect.DictType):
        return {str(_value(kind.key_type, shape, "", depth)): _value(kind.value_type, shape, "", depth + 1)}
    if isinstance(kind, inspect.StrType):
        return (ID if field in ("id", "") or field.endswith("Id") else "text") if field != "previousId" else OTHER_ID
    return _SCALARS.get(type(kind))


def _shown(kind: inspect.Type) -> inspect.Type:
    """The kind itself: without its metadata, and of several that of which there is something to show."""
    while isinstance(kind, inspect.Metadata | inspect.UnionType):
        if isinstance(kind, inspect.Metadata):
            kind = kind.type
        else:
            shown = [each for each in kind.types if not isinstance(each, inspect.NoneType | inspect.CustomType)]
            kind = shown[0] if shown else kind.types[0]
    return kind


_SCALARS: Mapping[type[inspect.Type], Any] = {
    inspect.IntType: 5,
    inspect.FloatType: 0.5,
    inspect.BoolType: False,
    inspect.DateTimeType: MOMENT,
    inspect.DateType: DAY,
    inspect.TimeDeltaType: 60.0,
}
_HELD: Mapping[type[inspect.Type], tuple[type, ...]] = {
    inspect.StrType: (str,),
    inspect.BoolType: (bool,),
    inspect.IntType: (int,),
    inspect.FloatType: (int, float),
    inspect.DateType: (str,),
    inspect.DictType: (dict,),
    inspect.VarTupleType: (list,),
    inspect.ListType: (list,),
}
