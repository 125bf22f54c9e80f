"""Where and on what a result was measured."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def described() -> dict[str, str]:
    """Processor, cores, memory, system and Python, in words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB",
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def today() -> str:
    """The day in UTC, as it stands in the table."""
    return datetime.now(UTC).date().isoformat()


def commit() -> str:
    """The checked-out commit, with a + where files differ from it; "unknown" outside a checkout."""
    return f"{_git('rev-parse', '--short', 'HEAD')}{'+' if _git('status', '--porcelain', '-uno') else ''}" or "unknown"


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603, S607 - our own words, git as the person has it
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
