"""Waiting for a condition of a cluster whose processes may be away."""

import time
from collections.abc import Callable
from time import monotonic

from httpx2 import HTTPError


def until(holds: Callable[[], bool], seconds: float) -> None:
    """Return once it holds; a request that fails counts as no. Raises TimeoutError."""
    deadline = monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except HTTPError:
            pass
        if monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.005)
