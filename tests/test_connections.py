"""What a backend stands on: the private servers are part of the app, and their end is its end."""

import subprocess
import sys
from pathlib import Path

import psutil

from tests.kit.embedded.private_servers import ROOT

APP = """
import sys
from pathlib import Path
from backend.config import Settings
from backend.connections import private_servers
servers = private_servers(Settings(data_dir=Path(sys.argv[1])), lambda line: print(line, file=sys.stderr, flush=True))
print("ready", flush=True)
sys.stdin.read()
"""


def test_an_app_whose_guard_is_gone_ends(tmp_path: Path) -> None:
    """After kill -9 of the guard the app says so and ends with status 1, and the next start finds the folder free."""
    for _start in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", APP, str(tmp_path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout and process.stdout.readline() == "ready\n"
            family = psutil.Process(process.pid).children(recursive=True)
            next(each for each in family if "guard.py" in " ".join(each.cmdline())).kill()
            assert process.wait(60) == 1
            assert process.stderr
            said = process.stderr.read()
        assert "The private servers have stopped, so the app stops too." in said
