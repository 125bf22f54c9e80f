"""The data folder: private to this user, used by one app at a time, keeper of secrets and ports."""

import fcntl
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from backend.errors import Conflict
from backend.kit.i18n import _

TAKEOVER_SECONDS = 25.0  # longer than a guard may need to stop its servers
_LOG_BYTES = 5_000_000


class DataFolder:
    """`data_dir`, made with mode 0700 where it does not exist."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir.expanduser().absolute()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def subfolder(self, name: str) -> Path:
        """Return a folder inside, set to mode 0700 even if it existed before."""
        subfolder = self.path / name
        subfolder.mkdir(mode=0o700, exist_ok=True)
        subfolder.chmod(0o700)
        return subfolder

    def lock(self, report: Callable[[str], None]) -> int:
        """Takes the folder for this process; the descriptor holds it until every copy of it is closed.

        Waits up to TAKEOVER_SECONDS for the servers of an app that is gone; raises Conflict while one lives.
        """
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take(descriptor, report)
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, _signature(os.getpid()), 0)
        return descriptor

    def _take(self, descriptor: int, report: Callable[[str], None]) -> None:
        deadline = time.monotonic() + TAKEOVER_SECONDS
        told = False
        while not _try_lock(descriptor):
            owner = _owner(os.pread(descriptor, 200, 0))
            if owner is not None or time.monotonic() > deadline:
                raise self._in_use(owner)
            if not told:
                report(_("Waiting for the previous run to finish …"))
                told = True
            time.sleep(0.05)

    def _in_use(self, owner: int | None) -> Conflict:
        if owner is None:
            sentence = _("The data folder {folder} is still held by servers of an earlier run; stop them.")
            return Conflict(sentence.format(folder=self.path), code="data_in_use")
        sentence = _("The data folder {folder} is in use by process {pid}; stop it or set another DATA_DIR.")
        message = sentence.format(folder=self.path, pid=owner)
        return Conflict(message, code="data_in_use", details={"pid": owner})


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _signature(pid: int) -> bytes:
    return json.dumps({"pid": pid, "started": psutil.Process(pid).create_time()}).encode()


def _owner(signature: bytes) -> int | None:
    """Pid of the living process that signed the lock; None where it is gone, even if its pid lives again."""
    try:
        signed = json.loads(signature)
        process = psutil.Process(int(signed["pid"]))
        is_same = abs(process.create_time() - float(signed["started"])) < 1.0
        return process.pid if is_same and process.status() != psutil.STATUS_ZOMBIE else None
    except (ValueError, KeyError, TypeError, psutil.Error):
        return None


def write_private(path: Path, text: str) -> None:
    """Puts `text` in `path` with mode 0600, wholly or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def trim_log(path: Path) -> None:
    """Starts a new log when the old one has grown large; one old log is kept beside it."""
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(path.with_name(path.name + ".1"))
