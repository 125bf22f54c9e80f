"""Nothing of a cluster stays behind, however the process that started it ends."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from system_tests.cluster.mongo_set import MongoSet
from system_tests.cluster.ports import free_port
from tests.waiting import until

STARTS = """
import sys, time
from pathlib import Path
from system_tests.cluster.nginx_process import Nginx
from system_tests.cluster.process_reaper import Leash
from system_tests.cluster.process import Program

folder = Path(sys.argv[1])
front = Nginx(folder / "nginx", int(sys.argv[2]), {"a": "127.0.0.1:9"}, [], 1.0, Leash())
front.start()
front.reload()
other = Program("other", [sys.executable, "-c", "import time; time.sleep(600)"], folder / "other.log", Leash())
other.start()
print(front.process.pid, other.pid, flush=True)
time.sleep(600)
"""


def test_a_killed_starter_leaves_nobody(nginx_here: None, tmp_path: Path) -> None:
    """kill -9 of the process that made a cluster ends nginx with all its workers, and every other program."""
    command = [sys.executable, "-c", STARTS, str(tmp_path), str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as starter:
        assert starter.stdout
        try:
            started = [psutil.Process(int(pid)) for pid in starter.stdout.readline().split()]
            everyone = [each for one in started for each in (one, *one.children(recursive=True))]
            assert len(everyone) >= 4  # a master, two workers, and the other program
        finally:
            starter.kill()
    until(lambda: not any(_runs(each) for each in everyone))


def test_a_server_that_does_not_come_up_says_why(tmp_path: Path) -> None:
    """A member that ends at once is told with its last words, without a wait, and no other one stays."""
    with pytest.raises(RuntimeError, match=r"mongod-0 does not run\. .*nonsense"):
        MongoSet(tmp_path, members=1, options=("--nonsense",))
    found = [each for each in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(each.info["cmdline"] or ())]
    assert not any(_runs(each) for each in found)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
