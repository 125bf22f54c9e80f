"""Commands to MongoDB that took long: by shape, without a single value of anybody. Bounded; explains nothing itself."""

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

SHAPES = 100
DEPTH, FIELDS, STAGES = 8, 40, 20
HIDDEN = "?"
# Parts of a command that say what is asked for, in the order in which they are shown.
ASKED = ("filter", "query", "pipeline", "sort", "projection", "update", "updates", "deletes", "key", "limit", "skip",
         "hint", "collation")  # fmt: skip
NAMES = frozenset(
    {"from", "localField", "foreignField", "as", "into", "path", "newRoot"}
)  # words of ours, nobody's data
_ID = re.compile(r"[0-9a-f]{24}")
ORDERS = frozenset({1, -1})
EXPLAINED = frozenset({"find", "aggregate", "count", "distinct", "update", "delete", "findAndModify"})
WATCHED = EXPLAINED | {"insert", "commitTransaction"}


@dataclass
class Slow:
    """All slow runs of one shape since it was last taken. `command` is whole, for explaining; it is never kept."""

    id: str
    operation: str
    collection: str
    shape: str
    count: int = 0
    total_seconds: float = 0.0
    longest_seconds: float = 0.0
    failed: int = 0
    command: Mapping[str, Any] | None = None


class SlowOperations:
    """Thread-safe. `limit_seconds` 0 watches nothing."""

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        self._lock = threading.Lock()
        self._found: OrderedDict[str, Slow] = OrderedDict()
        self._count = 0

    @property
    def count(self) -> int:
        """How many there were since this process started."""
        return self._count

    def note(self, operation: str, command: Mapping[str, Any], seconds: float, *, failed: bool) -> None:
        """Note one that took too long."""
        collection = command.get(operation)
        shape = shape_of(command)
        key = hashlib.blake2b(f"{operation} {collection} {shape}".encode(), digest_size=9).hexdigest()
        with self._lock:
            self._count += 1
            slow = self._found.get(key)
            if slow is None:
                slow = self._found[key] = Slow(key, operation, collection if isinstance(collection, str) else "", shape)
                while len(self._found) > SHAPES:
                    self._found.popitem(last=False)
            slow.count += 1
            slow.failed += failed
            slow.total_seconds += seconds
            if seconds >= slow.longest_seconds:
                slow.longest_seconds, slow.command = seconds, command

    def take(self) -> list[Slow]:
        """Return the slow commands since the last call, and clear them."""
        with self._lock:
            found, self._found = list(self._found.values()), OrderedDict()
        return found


def shape_of(command: Mapping[str, Any]) -> str:
    """Return the shape of a command as JSON: names of fields and operators, with "?" for every value."""
    asked = {name: _shape(command[name], 0) for name in ASKED if name in command}
    return msgspec.json.encode(asked).decode()


def _shape(value: Any, depth: int, name: str = "") -> Any:
    if isinstance(value, Mapping):
        if depth >= DEPTH:
            return HIDDEN
        fields = list(value.items())[:FIELDS]
        return {_ID.sub(HIDDEN, str(key)): _shape(each, depth + 1, str(key)) for key, each in fields}
    if isinstance(value, list | tuple):
        if depth >= DEPTH or not value:
            return []
        if any(isinstance(each, Mapping) for each in value):
            return _distinct([_shape(each, depth + 1) for each in list(value)[:STAGES]])
        return [_shape(value[0], depth + 1)]
    if isinstance(value, str):
        is_field = value.startswith("$") and value.lstrip("$").replace(".", "").replace("_", "").isalnum()
        return value if is_field or name in NAMES else HIDDEN
    return value if type(value) is int and value in ORDERS else HIDDEN


def _distinct(shapes: list[Any]) -> list[Any]:
    """Without repetitions in a row: a thousand writes of one kind are one shape."""
    return [each for index, each in enumerate(shapes) if not index or each != shapes[index - 1]]


def plan_of(explained: Mapping[str, Any]) -> str:
    """The winning plan of an explain in one line, the last step first: "SORT < FETCH < IXSCAN email"."""
    for path in (("queryPlanner",), ("stages", 0, "$cursor", "queryPlanner"), ("shards", 0, "queryPlanner")):
        planner = _at(explained, path)
        if isinstance(planner, Mapping) and "winningPlan" in planner:
            plan = planner["winningPlan"]
            return " < ".join(_steps(plan.get("queryPlan", plan)))
    return ""


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            if not isinstance(part, int) or not isinstance(value, Mapping) or not value:
                return None
            value = next(iter(value.values()))  # shards are known by name
    return value


def _steps(plan: Mapping[str, Any]) -> list[str]:
    index = plan.get("indexName")
    own = f"{plan.get('stage', HIDDEN)} {index}" if index else str(plan.get("stage", HIDDEN))
    below = [plan["inputStage"]] if "inputStage" in plan else list(plan.get("inputStages", ()))[:4]
    return [own, *(step for each in below for step in _steps(each))]
