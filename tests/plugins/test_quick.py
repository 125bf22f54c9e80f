"""Which tests `make quick` runs, and the command that runs a failed test alone."""

import pytest

from tests.plugins.quick import LARGE, mirrors
from tests.plugins.reporting import alone


@pytest.mark.parametrize(
    ("changed", "test"),
    [
        ("backend/progress/streak.py", "tests/progress/test_streak.py"),
        ("backend/chapters/files/xlsx.py", "tests/chapters/test_files.py"),
        ("backend/kit/mongo/client.py", "tests/kit/mongo/test_client.py"),
        ("pages/chapters/manage_chapters.py", "tests/pages/chapters/test_manage_chapters.py"),
        ("tests/rights/test_rights.py", "tests/rights/test_rights.py"),
    ],
)
def test_a_changed_module_brings_its_tests(changed: str, test: str) -> None:
    """The tests of its name or of its folder that name it, never one that needs a browser."""
    found = mirrors([changed])
    assert test in found
    assert not any(each.startswith(LARGE) for each in found)


def test_other_files_bring_none() -> None:
    """Documents, folders of journeys and files that are gone need no test of a save."""
    assert mirrors(["README.md", "tests/journeys/test_files.py", "backend/there/is/none.py"]) == set()


@pytest.mark.parametrize(
    ("nodeid", "command"),
    [
        ("tests/a.py::test_b", 'make test T="tests/a.py::test_b"'),
        ("tests/a.py::test_b[c d]", "make test T=\"'tests/a.py::test_b[c d]'\""),
        ("tests/a.py::test_b[$(c)]", 'make test T="tests/a.py::test_b"'),
        ("tests/a.py::test_b[it's]", 'make test T="tests/a.py::test_b"'),
    ],
)
def test_a_failed_test_is_named_as_make_takes_it(nodeid: str, command: str) -> None:
    """Quoted for the shell, and without parameters that make or the shell would change."""
    assert alone(nodeid) == command
