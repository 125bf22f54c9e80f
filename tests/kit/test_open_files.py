"""The limit of open files: raised as far as the system lets it."""

import subprocess
import sys

from backend.operations.machine import Handles
from backend.operations.machine_checks import files

SAYS = "from backend.kit import open_files; open_files.raise_limit(); print(open_files.limit())"


def test_the_limit_is_the_hard_one() -> None:
    """A process that was started with room for 1,024 files takes what it may have; a second call changes nothing."""
    limited = ["sh", "-c", 'ulimit -Sn 1024; ulimit -Hn 3000; exec "$@"', "sh", sys.executable, "-c", SAYS]
    assert subprocess.run(limited, capture_output=True, text=True, check=True).stdout == "3000\n"


def test_the_health_page_warns_before_it_is_reached() -> None:
    """From four fifths on; without a limit, or where the system does not tell how many are open, never."""
    found = {count: files(Handles(1, count, 1_000, 0.0)).state for count in (0, 799, 800, 1_000)}
    assert found == {0: "ok", 799: "ok", 800: "warning", 1_000: "warning"}
    assert files(Handles(1, 10_000, None, 0.0)).state == "ok"
