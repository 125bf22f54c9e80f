"""The nginx of a cluster on this machine: started, told of other processes by a reload, stopped."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deploy.nginx import Front, program
from system_tests.cluster.certificate import self_signed
from system_tests.cluster.process import Program
from system_tests.cluster.process_reaper import Leash

CHANGE_SECONDS = 20.0
PATIENCE = "20s"  # how long pages may hold a replaced worker; a school gives them more


class Nginx:
    """nginx in a folder of its own, in front of the processes it was last told of."""

    def __init__(
        self, folder: Path, port: int, web: Mapping[str, str], api: Sequence[str], idle: float, leash: Leash
    ) -> None:
        folder.mkdir(parents=True)
        self._file = folder / "nginx.conf"
        self._port = port
        self._front = Front(
            folder=folder,
            web=web,
            api=api,
            listen=f"127.0.0.1:{port}",
            tls=self_signed(folder),
            names=("localhost", "127.0.0.1"),
            workers="2",
            connections=2048,
            patience=PATIENCE,
            idle_seconds=idle,
            user="root" if os.geteuid() == 0 else "",  # the folder belongs to the user who runs the cluster
        )
        command = [str(program()), "-c", str(self._file), "-e", str(folder / "error.log")]
        self.process = Program("nginx", command, folder / "nginx.log", leash)

    def start(self) -> None:
        """Start it where it does not run; returns once it listens. Raises ValueError with nginx's words for a
        configuration it does not take, RuntimeError where it ends, such as for a port that is taken, TimeoutError."""
        self._write(self._front)
        self.process.start()
        deadline = time.monotonic() + CHANGE_SECONDS
        while not self._listens():
            self.process.check_running()
            if time.monotonic() > deadline:
                raise TimeoutError(f"nginx does not listen; {self.process.log} and its error.log may say why")
            time.sleep(0.05)

    def lead_to(self, web: Mapping[str, str], api: Sequence[str]) -> None:
        """Send requests to these from now on; what is under way is finished by those that have it."""
        self._front = replace(self._front, web=web, api=api)
        self._write(self._front)
        self.reload()

    def reload(self) -> None:
        """Read the configuration again; returns when only new workers take requests. Raises TimeoutError."""
        before = self._workers()
        self.process.signal(signal.SIGHUP)
        deadline = time.monotonic() + CHANGE_SECONDS
        while before & self._workers() or not self._workers():
            if time.monotonic() > deadline:
                raise TimeoutError(f"nginx has no new workers; {self.process.log} and its error.log say why")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, open connections included."""
        self.process.stop()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def _workers(self) -> set[int]:
        """Those that take requests: not the ones that only finish what they have, and no other helpers."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if pid else []
        return {int(each) for each in children if _title(each).strip("\0 ").endswith("worker process")}

    def _write(self, front: Front) -> None:
        self._file.write_text(front.text())
        command = [str(program()), "-t", "-q", "-c", str(self._file), "-e", str(front.folder / "error.log")]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own file
        if checked.returncode:
            raise ValueError(checked.stderr)


def _title(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:  # gone since
        return ""
