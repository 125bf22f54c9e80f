"""JSON as clients send it, read strictly: a name that stands twice in an object is refused, not taken by its last."""

import json
from collections import Counter
from collections.abc import Set
from typing import Any, TypeVar

import msgspec
from fastapi import Request

from backend.errors import Invalid
from backend.kit.i18n import _

T = TypeVar("T")
NAMES_SHOWN, NAME_LENGTH = 20, 200


class StrictRequest(Request):
    """A request whose JSON is read by `strict_json`."""

    async def json(self) -> Any:
        return strict_json(await self.body())


def strict_json(text: str | bytes) -> Any:
    """Return the value. Raises Invalid for a name that stands twice, ValueError for what is no JSON."""
    return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)


def typed_json(text: str, kind: type[T]) -> T:
    """Return the value as `kind`. Raises Invalid for a name that stands twice, ValueError for what is another value."""
    try:
        return msgspec.convert(strict_json(text), kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ValueError(str(error)) from error


def refuse_repeated(names: Counter[str], *, unknown: Set[str] = frozenset()) -> None:
    """Raise Invalid that names those which stand more than once, and those which are unknown."""
    problems = {name: _("This address has no such parameter.") for name in names if name in unknown}
    problems |= {name: _("This parameter is given more than once.") for name in names if names[name] > 1}
    if problems:
        fields = [{"field": name[:NAME_LENGTH], "problem": each} for name, each in problems.items()]
        raise Invalid(_("Some fields are not valid."), details={"fields": fields[:NAMES_SHOWN]})


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        refuse_repeated(Counter(name for name, _value in pairs))
    return found


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
