"""Chapter files in JSON: the published list of objects, alone or in an envelope, and our own catalogue form."""

import json
from collections.abc import Iterator, Mapping

from backend.chapters.files.columns import COUNTS, Columns, span_of_years
from backend.chapters.files.table import NoHeader, RawRow, Repeated, Table, no_rows, printable, too_many_rows
from backend.chapters.files.values import shown
from backend.chapters.models import MAX_ROWS
from backend.errors import Invalid
from backend.kit.i18n import _, number

_ENVELOPES = ("data", "chapters")
_LONGEST_INTEGER = 18
# Far above what the largest list needs, and low enough that the values fit in memory before they are looked at.
_MAX_VALUES = MAX_ROWS * 100


def read_json(content: bytes, codec: str, columns: Columns) -> Table:
    """The raw rows of a JSON file. Raises NoHeader where it holds no chapters, and Invalid for a broken one."""
    if content.count(b",") > _MAX_VALUES:
        raise too_many_rows()
    value = _unwrapped(_loaded(content.decode(codec)))
    if isinstance(value, dict) and isinstance(value.get("subjects"), list):
        value = list(_catalogue_items(value))
    if not isinstance(value, list):
        raise NoHeader
    return _table(value, columns)


def _loaded(text: str) -> object:
    try:
        return json.loads(text, parse_int=_integer, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise Invalid(
            _("The file begins like JSON, but cannot be read as JSON from line {line}, column {column}.").format(
                line=number(error.lineno), column=number(error.colno)
            ),
            code="broken_json",
        ) from error
    except RecursionError as error:
        raise NoHeader from error


def _integer(digits: str) -> int | str:
    """A number of any length: what is too long to be a count stays text, which no column takes."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else digits


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _value in pairs:
            if name in seen:
                found[name] = Repeated()
            seen.add(name)
    return found


def _unwrapped(value: object) -> object:
    for _depth in _ENVELOPES:
        if isinstance(value, dict):
            value = next((value[name] for name in _ENVELOPES if name in value), value)
    return value


def _catalogue_items(head: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """The chapters of our own form: subjects, classes and units around [chapter, counts in the order of years]."""
    years = head.get("years")
    years = years if isinstance(years, list) else []
    for subject in _dicts(head.get("subjects")):
        for class_ in _dicts(subject.get("classes")):
            for unit in _dicts(class_.get("units")):
                names = {"subject": subject.get("subject"), "class": class_.get("class"), "unit": unit.get("unit")}
                chapters = unit.get("chapters")
                for chapter in chapters if isinstance(chapters, list) else []:
                    yield {**names, **_chapter(chapter, years)}


def _chapter(chapter: object, years: list[object]) -> dict[str, object]:
    match chapter:
        case [name, list() as counts] if len(counts) == len(years):
            return {"chapter": name, COUNTS: {str(year): count for year, count in zip(years, counts, strict=True)}}
        case [name, counts]:
            return {"chapter": name, COUNTS: counts}
        case _:
            return {"chapter": chapter}


def _dicts(value: object) -> Iterator[dict[str, object]]:
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _table(items: list[object], columns: Columns) -> Table:
    table = Table(columns)
    if not items:
        raise no_rows()
    if len(items) > MAX_ROWS:
        raise too_many_rows()
    recognised = False
    for row, item in enumerate(items, 1):
        raw = _raw_row(row, item, table)
        recognised = recognised or columns.is_header(raw.fields)
        table.add(raw)
    if not recognised:
        raise NoHeader
    return table


def _raw_row(row: int, item: object, table: Table) -> RawRow:
    if not isinstance(item, dict):
        problem = _("A chapter must be an object with names and values, not {value}.").format(value=shown(item))
        return RawRow(row, {}, [], problem)
    fields: dict[str, object] = {}
    counts: list[tuple[object, object]] = []
    headings: dict[str, str] = {}
    for name, value in item.items():
        known = table.columns.field_of(name)
        is_span = table.columns.has_years and span_of_years(name) is not None
        if known is None and not is_span:
            table.ignore(name)
        elif known is None or known.isdecimal():
            counts.append((name, value))
        else:
            fields[known] = Repeated() if known in fields else value
            headings.setdefault(known, printable(name))
    return RawRow(row, fields, counts, headings=headings)
