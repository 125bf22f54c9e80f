"""The queue before hashing: a few at once, a short wait, a refusal that says when to come again."""

import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from backend.errors import RateLimited
from backend.kit import deadline
from backend.kit.security import hashing_queue
from backend.kit.security.hashing_queue import HashingQueue
from tests.waiting import until


def test_no_more_than_a_few_at_once() -> None:
    """Of twelve, two are inside at a time, and all have their turn."""
    queue, inside, most = HashingQueue(2), [], []

    def one(number: int) -> None:
        with queue.turn():
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(one, range(12)))
    assert len(most) == 12
    assert max(most) <= 2


def test_who_would_wait_too_long_is_told_at_once() -> None:
    """While hashing takes seconds, a place behind many others is refused with the time that it would take."""
    queue, release = HashingQueue(1), threading.Event()
    queue._seconds = 4.0  # as measured on a loaded machine

    def hold() -> None:
        with queue.turn():
            release.wait()

    with ThreadPoolExecutor(2) as pool:
        pool.submit(hold)
        until(lambda: queue._inside == 1)
        pool.submit(hold)  # four seconds to wait: may
        until(lambda: queue._inside == 2)
        begun = monotonic()
        with pytest.raises(RateLimited, match="Many people are signing in just now") as refused, queue.turn():
            pass
        assert monotonic() - begun < hashing_queue.WAIT_SECONDS
        assert refused.value.retry_after_seconds == 8.0
        release.set()
    assert queue._inside == 0


def test_a_wait_ends_before_the_caller_has_to_answer() -> None:
    """A turn that does not come is given up while there is time to say so, and leaves no trace."""
    queue = HashingQueue(1)
    with queue.turn(), deadline.within(hashing_queue.AFTER_SECONDS + 0.2), pytest.raises(RateLimited), queue.turn():
        pass
    with queue.turn():
        assert queue._inside == 1
    assert queue.expected_seconds == 0.0
