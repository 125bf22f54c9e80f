"""Waiting for a condition, with a bound."""

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Return once `condition()` holds. Raises AssertionError where it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {condition}"
        time.sleep(0.05)
