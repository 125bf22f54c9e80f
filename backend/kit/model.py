"""One base for every domain value: frozen, and camelCase where it leaves Python (documents, JSON, cache)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec


def published_name(name: str) -> str:
    """The name of a field outside Python: question_solved → questionSolved, class_ → class."""
    head, *tail = name.rstrip("_").split("_")
    return head + "".join(part.title() for part in tail)


class Shape(msgspec.Struct, frozen=True, kw_only=True, rename=published_name):
    """A frozen value whose fields are written in camelCase outside Python."""


T = TypeVar("T")


def from_document(document: Mapping[str, Any], kind: type[T]) -> T:
    """A MongoDB document as `kind`: `_id` becomes `id`, fields that `kind` does not name are dropped."""
    return msgspec.convert({"id": document.get("_id"), **document}, kind)


def to_document(value: msgspec.Struct) -> dict[str, Any]:
    """A value as a MongoDB document: `id` becomes `_id`; dates stay dates."""
    document: dict[str, Any] = msgspec.to_builtins(value, builtin_types=(datetime,))
    if "id" in document:
        document = {"_id": document.pop("id"), **document}
    return document
