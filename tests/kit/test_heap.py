"""What a process holds once many people have signed in at the same time."""

import subprocess
import sys

import pytest

from backend.kit import heap

SIGN_INS = """
import sys, threading
import psutil
from backend.kit import heap, passwords

if sys.argv[1] == "told":
    heap.give_back_large_blocks()
passwords.hash_password("the first one")
before = psutil.Process().memory_info().rss
threads = [threading.Thread(target=passwords.hash_password, args=("a password",)) for _ in range(32)]
for each in threads:
    each.start()
for each in threads:
    each.join()
print(psutil.Process().memory_info().rss - before)
"""


def grown(how: str) -> int:
    """By how many bytes a process grows that hashes 32 passwords on as many threads."""
    found = subprocess.run([sys.executable, "-c", SIGN_INS, how], capture_output=True, text=True, check=True)
    return int(found.stdout)


def test_what_passwords_took_is_given_back() -> None:
    """A process that was told so holds no Argon2 memory after 32 sign-ins at once; one that was not holds some."""
    if not heap.give_back_large_blocks():
        pytest.skip("another C library than glibc")
    assert grown("told") < 8 << 20
    assert grown("left alone") > 16 << 20
