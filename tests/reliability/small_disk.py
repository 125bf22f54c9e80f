"""A disk of its own that a test may fill and enlarge: memory mounted as a file system, for which one must be root."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


class SmallDisk:
    """Mounted on `folder` until it is closed. Skips the test where that is not allowed here."""

    def __init__(self, folder: Path, size_bytes: int) -> None:
        self.folder = folder
        self._size_bytes = size_bytes
        if os.geteuid() != 0:
            pytest.skip("Only root may mount a small disk.")
        done = self._mount(["-t", "tmpfs", "-o", f"size={size_bytes},mode=0700", "small-disk"])
        if done.returncode:
            pytest.skip(f"No small disk can be mounted here: {done.stderr.strip()}")

    def leave(self, free_bytes: int) -> None:
        """Shrink it until so much is free."""
        self._resize(shutil.disk_usage(self.folder).used + free_bytes)

    def enlarge(self) -> None:
        """Its first size again."""
        self._resize(self._size_bytes)

    def close(self) -> None:
        """Unmount it, once nobody uses it."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    def _resize(self, size_bytes: int) -> None:
        done = self._mount(["-o", f"remount,size={size_bytes}"])
        assert done.returncode == 0, done.stderr

    def _mount(self, words: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(["mount", *words, str(self.folder)], capture_output=True, text=True, check=False)
