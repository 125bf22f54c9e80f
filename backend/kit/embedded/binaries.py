"""Finding a server program that runs on this machine: in an installed wheel first, then on PATH."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from backend.errors import Unavailable
from backend.kit.i18n import _

ANSWER_SECONDS = 60.0  # of a machine that is busy, or reads the program from a slow disk for the first time
_VERSION = re.compile(r"v=?(\d+)\.\d+")
_LIBRARY = re.compile(r"error while loading shared libraries: (\S+?):")  # what the loader of glibc says


def in_wheel(package: str, pattern: str) -> Iterator[Path]:
    """Files of an installed top-level package, found without importing it."""
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        yield from sorted(Path(folder).glob(pattern))


def on_path(*names: str) -> Iterator[Path]:
    """Programs of these names on PATH, in this order."""
    yield from (Path(found) for name in names if (found := shutil.which(name)))


def first_that_runs(candidates: Iterable[Path], oldest: int) -> Path | None:
    """The first that answers `--version` with a major version of at least `oldest`.

    Raises Unavailable where one does not answer in time: it may be fit all the same.
    """
    return next((path for path in candidates if (_major_version(path) or 0) >= oldest), None)


def missing_library(candidates: Iterable[Path]) -> str | None:
    """The shared library without which a candidate does not start, such as "libcurl.so.4"; None where it is not that.

    What a wheel brings along is built for its machine, but not all that it is linked to is on a slim one.
    """
    answers = (_asked_version(path) for path in candidates)
    found = (_LIBRARY.search(answer.stderr) for answer in answers if answer)
    return next((match[1] for match in found if match), None)


def _major_version(program: Path) -> int | None:
    answer = _asked_version(program)
    found = _VERSION.search(answer.stdout) if answer and not answer.returncode else None
    return int(found[1]) if found else None


def _asked_version(program: Path) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(  # noqa: S603 - found in our own wheel or on PATH, no shell
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired as error:
        sentence = _("{program} did not tell its version within {seconds:.0f} s. Is this machine very busy? Try again.")
        raise Unavailable(sentence.format(program=program, seconds=ANSWER_SECONDS)) from error
    except (OSError, subprocess.SubprocessError):
        return None
