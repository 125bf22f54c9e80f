"""Waiting in line for a permit: in order, bounded, and fair to who comes beside somebody without pause."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from time import monotonic

from backend.kit import deadline
from backend.kit.limiter.waiting_line import WaitingLine
from tests.waiting import until

SOON = 0.05


def line(places: int = 3, places_in_all: int = 12, seconds: float = 30) -> WaitingLine:
    return WaitingLine(places=places, places_in_all=places_in_all, seconds=seconds)


def test_a_permit_at_once_needs_no_place() -> None:
    """Who is given a permit does not wait, and a wait beyond the line's is said at once."""
    assert line().wait_for("account", "a", lambda: 0.0) == 0.0
    begun = monotonic()
    assert line(seconds=5).wait_for("account", "a", lambda: 600.0) == 600.0
    assert monotonic() - begun < 5


def test_a_permit_that_comes_back_is_waited_for() -> None:
    """A try that is too early is served when its time has come."""
    asked = count()
    assert line().wait_for("account", "a", lambda: 0.0 if next(asked) == 3 else SOON) == 0.0


def test_each_is_served_in_order_and_has_one_place() -> None:
    """The first in line asks alone; a second try of the same caller, a fourth caller and a full house are refused."""
    opened, served, waiting = threading.Event(), [], line(places_in_all=4)

    def ask(caller: str) -> float:
        served.append(caller)
        return 0.0 if opened.is_set() else SOON

    def stand(caller: str, subject: str = "account") -> float:
        return waiting.wait_for(subject, caller, lambda: ask(caller))

    with ThreadPoolExecutor(4) as pool:
        waits = []
        for caller in "abc":
            waits.append(pool.submit(stand, caller))
            until(lambda: len(waiting._lines["account"]) == len(waits))
        assert stand("a") > 0
        assert stand("d") > 0
        waits.append(pool.submit(stand, "e", "another account"))
        until(lambda: bool(waiting._lines["another account"]))
        assert stand("f", "a third account") > 0
        opened.set()
        assert [each.result() for each in waits] == [0.0] * 4
    order = [caller for caller in served if caller in "abc"]
    assert "".join(dict.fromkeys(order)) == "abc"
    assert not waiting._lines


def test_nobody_waits_longer_than_the_caller_does() -> None:
    """Who has a second left is told to come again instead of standing in line."""
    with deadline.within(1):
        assert line().wait_for("account", "a", lambda: 5.0) == 5.0
