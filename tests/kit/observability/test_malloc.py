"""What a process holds once many people have signed in at the same time."""

import subprocess
import sys

import pytest

from backend.kit.observability import malloc

SIGN_INS = """
import ctypes, sys, threading
import psutil
from backend.kit.observability import malloc
from backend.kit.security import passwords

if sys.argv[1] == "told":
    malloc.keep_little()
passwords.hash_password("the first one")
before = psutil.Process().memory_info().rss
threads = [threading.Thread(target=passwords.hash_password, args=("a password",)) for _ in range(32)]
for each in threads:
    each.start()
for each in threads:
    each.join()
print(psutil.Process().memory_info().rss - before)
ctypes.CDLL(None).malloc_stats()
"""


@pytest.fixture
def is_told() -> None:
    """Skips where the C library cannot be told."""
    if not malloc.keep_little():
        pytest.skip("another C library than glibc")


def hashed(how: str) -> tuple[int, int]:
    """By how many bytes a process grows that hashes 32 passwords on as many threads, and how many arenas it has."""
    found = subprocess.run([sys.executable, "-c", SIGN_INS, how], capture_output=True, text=True, check=True)
    return int(found.stdout), found.stderr.count("Arena ")


def test_what_passwords_took_is_given_back(is_told: None) -> None:
    """A process that was told so holds no Argon2 memory after 32 sign-ins at once; one that was not holds some."""
    assert hashed("told")[0] < 8 << 20
    assert hashed("left alone")[0] > 16 << 20


def test_threads_share_two_arenas(is_told: None) -> None:
    """32 threads of a process that was told so have no arena each; those of one that was not have more than two."""
    assert hashed("told")[1] <= malloc.ARENAS
    assert hashed("left alone")[1] > malloc.ARENAS
