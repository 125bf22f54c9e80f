"""The order of files: first those that take long, next to each other where they share a running app."""

from collections import Counter

import pytest

from tests.plugins.quick import LARGE


@pytest.hookimpl(trylast=True)  # within a file the order stays as pytest makes it
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by file: journeys and other tests of whole processes folder by folder, then the files with most tests.

    A test process hands out files in this order, so that the last ones to end are short, and the app of the journeys
    is started once in each process.
    """
    sizes = Counter(map(_file, items))

    def place(item: pytest.Item) -> tuple[int, int, str]:
        file = _file(item)
        large = next((number for number, folder in enumerate(LARGE) if file.startswith(folder)), None)
        return (large, 0, file) if large is not None else (len(LARGE), -sizes[file], file)

    items.sort(key=place)


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
