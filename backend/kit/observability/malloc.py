"""Settings of the C library's heap, so that a process returns free memory to the system.

Argon2 works in 19 MiB for each password. Left alone, glibc keeps such a block once it was freed, in each of its arenas:
eight for each core, so that sign-ins on forty threads would hold hundreds of megabytes for good. Whatever else threads
use for a moment stays once in each of them, too.
"""

import ctypes
import platform

LARGE_BYTES = 1 << 20
ARENAS = 2  # Python's lock lets one thread at a time ask for memory anyway
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h


def keep_little() -> bool:
    """Whether this process does so from now on: blocks of a mebibyte and more go back to the system when they are
    freed, and threads share two arenas. Another C library than glibc is left as it is, without a word."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    mallopt.argtypes, mallopt.restype = [ctypes.c_int, ctypes.c_int], ctypes.c_int
    return bool(mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES) and mallopt(_M_ARENA_MAX, ARENAS))
