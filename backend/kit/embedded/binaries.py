"""Server programs that run on this machine, of an installed wheel or on PATH, and their versions."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from backend.errors import Unavailable
from backend.kit.i18n import _

ANSWER_SECONDS = 60.0  # of a machine that is busy, or reads the program from a slow disk for the first time
_VERSION = re.compile(r"v=?(\d+(?:\.\d+)+)")
_LIBRARY = re.compile(r"error while loading shared libraries: (\S+?):")  # what the loader of glibc says


@dataclass(frozen=True)
class Binary:
    """A program that answered `--version`."""

    path: Path
    version: tuple[int, ...]

    @property
    def release(self) -> str:
        """The version as text, such as "7.0.28"."""
        return ".".join(map(str, self.version))


def in_wheel(package: str, pattern: str) -> Iterator[Path]:
    """Files of an installed top-level package, found without importing it."""
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        yield from sorted(Path(folder).glob(pattern))


def on_path(*names: str) -> Iterator[Path]:
    """Programs of these names on PATH, in this order."""
    yield from (Path(found) for name in names if (found := shutil.which(name)))


def that_run(candidates: Iterable[Path]) -> Iterator[Binary]:
    """Those that answer `--version`, in this order.

    Raises Unavailable where one does not answer in time: it may be fit all the same.
    """
    for path in candidates:
        answer = _asked_version(path)
        found = _VERSION.search(answer.stdout) if answer and not answer.returncode else None
        if found:
            yield Binary(path, tuple(map(int, found[1].split("."))))


def missing_library(candidates: Iterable[Path]) -> str | None:
    """The shared library without which a candidate does not start, such as "libcurl.so.4"; None where it is not that.

    What a wheel brings along is built for its machine, but not all that it is linked to is on a slim one.
    """
    answers = (_asked_version(path) for path in candidates)
    found = (_LIBRARY.search(answer.stderr) for answer in answers if answer)
    return next((match[1] for match in found if match), None)


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
        sentence = _(
            "{program} did not report its version within {seconds:.0f} s. Is this machine very busy? Try again."
        )
        raise Unavailable(sentence.format(program=program, seconds=ANSWER_SECONDS)) from error
    except (OSError, subprocess.SubprocessError):
        return None
