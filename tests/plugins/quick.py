"""`make quick`: the tests that start nothing, and those of the modules that were changed since the last commit."""

import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
SERVERS = frozenset({"servers", "chromium", "module_chromium"})  # fixtures
STARTERS = frozenset({"ValkeyProcess", "ValkeyNodes", "MongoSet", "subprocess", "multiprocessing"})  # names in a module
LARGE = ("tests/journeys/", "tests/system_tests/", "tests/reliability/", "tests/deploy/", "tests/kit/embedded/")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only tests that start nothing, and those of changed modules")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `--quick` has no time for."""
    if not config.getoption("--quick"):
        return
    changed = mirrors(changed_files())
    chosen = [each for each in items if _is_quick(each) or each.nodeid.partition("::")[0] in changed]
    config.hook.pytest_deselected(items=[each for each in items if each not in set(chosen)])
    items[:] = chosen


def changed_files() -> list[str]:
    """The files that differ from the last commit, new ones too, as paths from the root."""
    command = ["git", "status", "--porcelain", "--untracked-files=all", "--no-renames"]
    try:
        said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):  # no git, or no repository
        return []
    return [line[3:].strip('"') for line in said.splitlines()]


def mirrors(changed: list[str]) -> set[str]:
    """The files of tests for these modules: in the folder that mirrors theirs, of their name or naming them.

    Never one that needs a browser or other processes.
    """
    found: set[str] = set()
    for path in map(PurePosixPath, changed):
        if path.suffix == ".py" and (ROOT / path).is_file():
            found |= {str(path)} if path.parts[0] == "tests" else _mirrors(path)
    return {each for each in found if not each.startswith(LARGE)}


def _mirrors(path: PurePosixPath) -> set[str]:
    """Of backend/chapters/files/xlsx.py: what in tests/chapters is named for files or xlsx, or mentions them."""
    parts = path.with_suffix("").parts
    depth = 1 if parts[0] == "backend" else 0
    folder = TESTS
    while depth < len(parts) - 1 and (folder / parts[depth]).is_dir():
        folder, depth = folder / parts[depth], depth + 1
    found = {test for name in parts[depth:] for test in folder.rglob("test_*.py") if f"_{name}_" in f"{test.stem}_"}
    if folder != TESTS:
        modules = [".".join(parts[:end]) for end in range(depth + 1, len(parts) + 1)]
        mentioned = re.compile(rf"\b({'|'.join(map(re.escape, modules))})\b")
        found |= {test for test in folder.glob("test_*.py") if mentioned.search(test.read_text())}
    return {str(test.relative_to(ROOT)) for test in found}


def _is_quick(item: pytest.Item) -> bool:
    """Whether a test wants no server, and its module starts no process."""
    assert isinstance(item, pytest.Function)
    starts = SERVERS.intersection(item.fixturenames) or STARTERS.intersection(vars(item.module))
    return not (starts or item.nodeid.startswith(LARGE))
