"""Several rows of a file for one chapter: taken together where they agree, refused where they contradict. Pure."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

from backend.chapters.models import FileRow
from backend.kit.i18n import _, listing, number

_NAMED_PLACES = 3

Said = Mapping[str, Any]  # the values that a row gives, by field
_RowsByValue = dict[str, dict[Any, list[FileRow]]]


class Shared(NamedTuple):
    """By the position of a row: its problem, or its note, or the values of all rows of its chapter."""

    problems: dict[int, str]
    notes: dict[int, str]
    values: dict[int, dict[str, Any]]


def shared(rows: Sequence[FileRow], keys: Sequence[Hashable], said: Callable[[FileRow], Said]) -> Shared:
    """Compare the rows that have the same key; rows with the key None are left alone.

    A row fails where another gives one of its fields another value. The first that does not fail has the values of all
    others, which are noted as repetitions of it.
    """
    by_value: dict[Hashable, _RowsByValue] = {}
    for row, key in zip(rows, keys, strict=True):
        for name, value in said(row).items() if key is not None else ():
            by_value.setdefault(key, {}).setdefault(name, {}).setdefault(value, []).append(row)
    found, first = Shared({}, {}, {}), dict[Hashable, int]()
    for at, (row, key) in enumerate(zip(rows, keys, strict=True)):
        if key is None:
            continue
        others = list(islice(_disagreeing(said(row), by_value.get(key, {})), _NAMED_PLACES))
        if others:
            found.problems[at] = _contradiction(others)
        elif key not in first:
            first[key], found.values[at] = at, dict(said(row))
        else:
            found.notes[at] = _repetition(rows[first[key]], is_same=said(row).items() <= said(rows[first[key]]).items())
            found.values[first[key]] |= said(row)
    return found


def _disagreeing(said: Said, by_value: _RowsByValue) -> Iterator[FileRow]:
    """The rows that give one of these fields another value, each once."""
    seen: set[tuple[str, int]] = set()
    for name, value in said.items():
        if len(by_value[name]) == 1:
            continue
        for row in chain.from_iterable(rows for other, rows in by_value[name].items() if other != value):
            if (row.sheet, row.row) not in seen:
                seen.add((row.sheet, row.row))
                yield row


def _contradiction(others: Sequence[FileRow]) -> str:
    return _("The same chapter has different values in {places}.").format(
        places=listing([_place(row) for row in others])
    )


def _repetition(first: FileRow, *, is_same: bool) -> str:
    words = _("It says the same as {place}.") if is_same else _("It is taken together with {place}.")
    return words.format(place=_place(first))


def _place(row: FileRow) -> str:
    if row.sheet:
        return _("row {row} of sheet “{sheet}”").format(row=number(row.row), sheet=row.sheet)
    return _("row {row}").format(row=number(row.row))
