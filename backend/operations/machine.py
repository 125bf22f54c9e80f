"""Facts about this process and its machine: memory, disk, and who may read the secrets."""

import gc
import shutil
import socket
import stat
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from backend.kit import open_files

DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Disk:
    """Size and free space of the file system with the data folder, in bytes."""

    free_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class Memory:
    """Memory of this process and of the machine, in bytes."""

    own_bytes: int
    available_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class Handles:
    """Threads and files that this process holds open, how many files it may, and the processor seconds it has used.

    `most_files` is None where nothing limits them.
    """

    threads: int
    files: int
    most_files: int | None
    cpu_seconds: float


def disk(folder: Path) -> Disk:
    """Room where `folder` is, or will be made. Raises OSError."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    return Disk(free_bytes=usage.free, total_bytes=usage.total)


def memory() -> Memory:
    """Resident memory of this process beside what the machine has."""
    machine = psutil.virtual_memory()
    return Memory(psutil.Process().memory_info().rss, machine.available, machine.total)


def threads() -> int:
    """Threads of this process."""
    return psutil.Process().num_threads()


def handles() -> Handles:
    """Threads, open files (0 where the system does not tell) and processor time of this process."""
    process = psutil.Process()
    with process.oneshot():
        times = process.cpu_times()
        files = process.num_fds() if hasattr(process, "num_fds") else 0
        return Handles(process.num_threads(), files, open_files.limit(), times.user + times.system)


def collections() -> tuple[int, ...]:
    """How often Python's garbage collector has run, by generation."""
    return tuple(int(each["collections"]) for each in gc.get_stats())


def host() -> str:
    """The name of this machine."""
    return socket.gethostname()


def readable_by_others(folder: Path) -> tuple[str, ...]:
    """Files and folders of the secrets, the folder itself included, that another user may read, write or enter."""
    if not folder.is_dir():
        return ()
    every = [folder, *sorted(folder.rglob("*"))]
    return tuple(str(path) for path in every if stat.S_IMODE(path.lstat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO))


def age_days(file: Path) -> int | None:
    """Days since a file was written; None where there is none."""
    try:
        return int((time.time() - file.stat().st_mtime) // DAY_SECONDS)
    except OSError:
        return None
