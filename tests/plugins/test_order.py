"""The order in which files of tests are handed out."""

from dataclasses import dataclass
from typing import Any, cast

from tests.plugins.order import pytest_collection_modifyitems


@dataclass
class Item:
    nodeid: str


def test_long_files_come_first_and_folders_stay_together() -> None:
    """Journeys one after the other, then the files with most tests; inside a file nothing moves."""
    names = ["tests/a.py::z", "tests/b.py::b", "tests/b.py::a", "tests/journeys/j.py::a", "tests/journeys/i.py::a"]
    items = cast("Any", [Item(name) for name in names])
    pytest_collection_modifyitems(items)
    assert [each.nodeid for each in items] == [
        "tests/journeys/i.py::a",
        "tests/journeys/j.py::a",
        "tests/b.py::b",
        "tests/b.py::a",
        "tests/a.py::z",
    ]
