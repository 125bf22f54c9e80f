"""What this process and the machine under it look like: memory, disk, and who may read the secrets."""

import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Disk:
    """Room of the file system that holds the data folder, in bytes."""

    free_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class Memory:
    """Memory of this process and of the machine, in bytes."""

    own_bytes: int
    available_bytes: int
    total_bytes: int


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


def readable_by_others(folder: Path) -> tuple[str, ...]:
    """Files and folders of the secrets, the folder itself included, that another user may read, write or enter."""
    if not folder.is_dir():
        return ()
    every = [folder, *sorted(folder.rglob("*"))]
    return tuple(str(path) for path in every if stat.S_IMODE(path.lstat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO))
