"""Finding a server program that runs on this machine: in an installed wheel first, then on PATH."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

_VERSION = re.compile(r"v=?(\d+)\.\d+")


def in_wheel(package: str, pattern: str) -> Iterator[Path]:
    """Files of an installed top-level package, found without importing it."""
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        yield from sorted(Path(folder).glob(pattern))


def on_path(*names: str) -> Iterator[Path]:
    """Programs of these names on PATH, in this order."""
    yield from (Path(found) for name in names if (found := shutil.which(name)))


def first_that_runs(candidates: Iterable[Path], oldest: int) -> Path | None:
    """The first that answers `--version` with a major version of at least `oldest`."""
    return next((path for path in candidates if (_major_version(path) or 0) >= oldest), None)


def _major_version(program: Path) -> int | None:
    try:
        answer = subprocess.run(  # noqa: S603 - found in our own wheel or on PATH, no shell
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION.search(answer.stdout)
    return int(found[1]) if found else None
