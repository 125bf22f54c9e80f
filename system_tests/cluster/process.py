"""One process of a cluster: started with its own log, killed, frozen, asked to stop, started again."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from system_tests.cluster.process_reaper import Leash

STOP_SECONDS = 30.0
LONGEST_WORDS = 300


class Program:
    """A command that may run many times, one at a time. What it says is added to one log."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        leash: Leash,
        *,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._leash = leash
        self._environment = dict(environment) if environment is not None else None
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The id of the process, None if there is none."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def is_running(self) -> bool:
        """Whether there is a process, frozen or not."""
        return self.pid is not None

    def start(self) -> None:
        """Start it where it does not run; it answers some moments later."""
        if self.is_running:
            return
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own programs, no shell
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C in the terminal is for the cluster, which stops its parts in order
                env=self._environment,
                cwd=self._cwd,
            )
        self._leash.add(self._process.pid)

    def check_running(self) -> None:
        """Raises RuntimeError with its last words where it does not run."""
        if not self.is_running:
            raise RuntimeError(f"{self.name} does not run. It said last: {self.last_words}. More is in {self.log}")

    @property
    def last_words(self) -> str:
        """The last lines that it wrote; "nothing" before the first."""
        said = self.log.read_text(errors="replace").split("\n") if self.log.exists() else []
        return " / ".join(line.strip() for line in said if line.strip())[-LONGEST_WORDS:] or "nothing"

    def kill(self) -> None:
        """End it and whatever it started as a power cut would (kill -9)."""
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):  # it leads a group of its own, which is named after it
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does, connections open (SIGSTOP)."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on (SIGCONT)."""
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def ask_to_stop(self) -> None:
        """SIGTERM, as before maintenance; does not wait."""
        self.thaw()
        self.signal(signal.SIGTERM)

    def stop(self, seconds: float = STOP_SECONDS) -> int | None:
        """Ask it to stop and wait; killed where it does not within `seconds`. Its exit status."""
        self.ask_to_stop()
        return self.wait(seconds)

    def wait(self, seconds: float = STOP_SECONDS) -> int | None:
        """Wait until it has ended by itself, and kill it after `seconds`. Returns its exit status."""
        if self._process is None:
            return None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.returncode
