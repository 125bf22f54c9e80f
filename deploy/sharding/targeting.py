"""Whether a command to MongoDB carries the shard key of its collection. Pure: commands as drivers send them go in."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from deploy.sharding import Layout

Document = Mapping[str, Any]
WRITES = frozenset({"update", "delete", "findAndModify", "findandmodify"})


class Aimed(NamedTuple):
    """One access to a sharded collection: what it is, by which fields, and whether it asks only the shards it must."""

    collection: str
    act: str
    fields: tuple[str, ...]
    has_key: bool
    in_transaction: bool

    def __str__(self) -> str:
        return f"{self.collection}: {self.act} by {', '.join(self.fields) or 'nothing'}"


def aims(name: str, command: Document, layout: Layout) -> Iterator[Aimed]:
    """Every access to a sharded collection within one command, those of its $lookup stages too."""
    collection = command.get(name)
    in_tx = command.get("autocommit") is False
    if name == "aggregate":
        yield from _of_pipeline(collection, command["pipeline"], layout, in_tx)
    elif isinstance(collection, str) and collection in layout.keys:
        for act, wanted in _asked(name, command):
            yield _aimed(collection, act, wanted, layout, in_tx)


def _asked(name: str, command: Document) -> Iterator[tuple[str, Document]]:
    """Yield the operation of each part of a command, with its filter or document."""
    if name == "insert":
        # Only the fields of a key count in a new document.
        yield from (("insert", document) for document in command["documents"])
    elif name == "update":
        yield from ((_update(each), each["q"]) for each in command["updates"])
    elif name == "delete":
        yield from (("delete" if each.get("limit") else "delete many", each["q"]) for each in command["deletes"])
    elif name.lower() == "findandmodify":
        yield "find and change", command["query"]
    elif name in ("find", "count", "distinct"):
        yield name, command.get("filter") or command.get("query") or {}


def _update(each: Document) -> str:
    return "update" + (" many" if each.get("multi") else "") + (" or insert" if each.get("upsert") else "")


def _of_pipeline(collection: Any, pipeline: Iterable[Document], layout: Layout, in_tx: bool) -> Iterator[Aimed]:
    stages = list(pipeline)
    if collection in layout.keys and not any("$changeStream" in stage for stage in stages[:1]):
        yield _aimed(collection, "aggregate", _first_match(stages), layout, in_tx)
    for stage in stages:
        for word in ("$lookup", "$unionWith"):
            if word in stage:
                yield from _of_join(word, stage[word], layout, in_tx)
        for inner in stage.get("$facet", {}).values():
            yield from _of_pipeline(None, inner, layout, in_tx)


def _of_join(word: str, join: Any, layout: Layout, in_tx: bool) -> Iterator[Aimed]:
    other = join if isinstance(join, str) else join.get("from", join.get("coll"))
    inner: list[Document] = [] if isinstance(join, str) else list(join.get("pipeline", ()))
    if other in layout.keys:
        wanted = dict(_first_match(inner))
        if isinstance(join, Mapping) and "foreignField" in join:
            wanted[join["foreignField"]] = "of the other"
        yield _aimed(other, word[1:], wanted, layout, in_tx)
    yield from _of_pipeline(None, inner, layout, in_tx)


def _first_match(stages: list[Document]) -> Document:
    found: Document = stages[0].get("$match", {}) if stages else {}
    return found


def _aimed(collection: str, act: str, wanted: Document, layout: Layout, in_tx: bool) -> Aimed:
    key = layout.fields(collection)
    has_key = _has_start(wanted, key)
    fields = tuple(name for name in key if name in wanted) if act == "insert" else tuple(sorted(_names(wanted)))
    return Aimed(collection, act, fields, has_key, in_tx)


def _names(wanted: Document) -> Iterator[str]:
    for name, value in wanted.items():
        if name == "$and":
            yield from (inner for each in value for inner in _names(each))
        else:
            yield name


def _has_start(wanted: Document, key: tuple[str, ...]) -> bool:
    """Whether each field of the key is given: by value, or as one of several."""
    parts = [wanted, *wanted.get("$and", ())]
    return all(any(name in part and _is_value(part[name]) for part in parts) for name in key)


def _is_value(value: Any) -> bool:
    """An equality or a list; a range or a pattern leads to any shard."""
    if not isinstance(value, Mapping):
        return True
    return bool({"$eq", "$in"} & set(value)) or not any(name.startswith("$") for name in value)
