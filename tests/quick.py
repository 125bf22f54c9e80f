"""`make quick`: the tests that start nothing, and those of the modules that were changed since the last commit."""

import subprocess
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parent.parent
SERVERS = frozenset({"servers", "chromium"})  # fixtures
STARTERS = frozenset({"ValkeyProcess", "ValkeyNodes", "MongoSet", "subprocess", "multiprocessing"})  # names in a module
LARGE = ("tests/journeys/", "tests/system_tests/", "tests/reliability/", "tests/deploy/", "tests/kit/embedded/")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only tests that start nothing, and those of changed modules")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `--quick` has no time for."""
    if not config.getoption("--quick"):
        return
    changed = tests_of(changed_files())
    chosen = [each for each in items if _is_quick(each) or each.nodeid.partition("::")[0] in changed]
    config.hook.pytest_deselected(items=[each for each in items if each not in set(chosen)])
    items[:] = chosen


def changed_files() -> list[str]:
    """The files that differ from the last commit, new ones too, as paths from the root."""
    said = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all", "--no-renames"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return [line[3:].strip('"') for line in said.splitlines()]


def tests_of(changed: list[str]) -> set[str]:
    """The files of tests that mirror these modules: of their name, or naming the module, in the folder that mirrors
    theirs. Never one that needs a browser or a process."""
    found: set[str] = set()
    for path in map(PurePosixPath, changed):
        if path.suffix != ".py":
            continue
        if path.parts[0] == "tests":
            found.add(str(path))
            continue
        module = ".".join(path.with_suffix("").parts)
        for test in _mirror(path).glob("test_*.py"):
            if path.stem in test.stem or module in test.read_text():
                found.add(str(test.relative_to(ROOT)))
    return {each for each in found if not each.startswith(LARGE)}


def _mirror(path: PurePosixPath) -> Path:
    """The nearest folder of tests: backend/chapters/files/xlsx.py is tested in tests/chapters."""
    parts = path.parts[1:-1] if path.parts[0] == "backend" else path.parts[:-1]
    folder = ROOT / "tests" / Path(*parts)
    while not folder.is_dir():
        folder = folder.parent
    return folder


def _is_quick(item: pytest.Item) -> bool:
    """Whether a test wants no server, and its module starts no process."""
    assert isinstance(item, pytest.Function)
    starts = SERVERS.intersection(item.fixturenames) or STARTERS.intersection(vars(item.module))
    return not (starts or item.nodeid.startswith(LARGE))
