"""The C library's heap, told at the start of a process to give large blocks back to the system once they are freed.

Argon2 works in 19 MiB for each password. Left alone, glibc keeps such a block once it was freed, in each of its arenas
(eight for each core), so that sign-ins on forty threads would hold hundreds of megabytes for good.
"""

import ctypes
import platform

LARGE_BYTES = 1 << 20
_M_MMAP_THRESHOLD = -3  # malloc.h


def give_back_large_blocks() -> bool:
    """Whether this process does so from now on. Another C library than glibc is left as it is, without a word."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    mallopt.argtypes, mallopt.restype = [ctypes.c_int, ctypes.c_int], ctypes.c_int
    return bool(mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES))
