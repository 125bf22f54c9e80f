"""Probes: in parallel, bounded, and a hung call is not piled upon."""

import threading
from collections.abc import Iterator
from time import perf_counter

import pytest

from backend.kit.i18n import DEFAULT_LOCALE, current_locale, use_locale
from backend.kit.parallel_checks import Probes

BOUND = 0.4


@pytest.fixture
def probes() -> Iterator[Probes]:
    made = Probes(BOUND)
    yield made
    made.close()


def test_every_call_has_its_own_outcome(probes: Probes) -> None:
    """Results and exceptions come back under their names."""
    error = ValueError("broken")

    def broken() -> None:
        raise error

    assert probes.run({"good": lambda: 7, "bad": broken}) == {"good": 7, "bad": error}


def test_calls_run_side_by_side(probes: Probes) -> None:
    """Several calls wait for each other at one barrier, which they could not one after the other."""
    barrier = threading.Barrier(4)
    found = probes.run({str(number): lambda: barrier.wait(BOUND) >= 0 for number in range(4)})
    assert set(found.values()) == {True}


def test_a_call_that_hangs_costs_its_own_answer(probes: Probes) -> None:
    """The others' answers are there within the bound; the one that hangs is a TimeoutError."""
    release = threading.Event()
    started = perf_counter()
    found = probes.run({"hangs": release.wait, "good": lambda: 7})
    assert perf_counter() - started < BOUND + 2
    assert isinstance(found["hangs"], TimeoutError)
    assert found["good"] == 7
    release.set()


def test_a_hung_call_is_not_started_again(probes: Probes) -> None:
    """While it hangs, later runs wait for the same call; afterwards it is asked anew."""
    release, starts = threading.Event(), list[int]()

    def hangs() -> int:
        starts.append(1)
        release.wait(60)
        return len(starts)

    for _each in range(2):
        assert isinstance(probes.run({"hangs": hangs})["hangs"], TimeoutError)
    assert len(starts) == 1
    release.set()
    assert probes.run({"hangs": hangs})["hangs"] in (1, 2)
    assert probes.run({"hangs": hangs})["hangs"] >= 2


def test_the_readers_language_is_spoken_in_the_calls(probes: Probes) -> None:
    """A call on another thread speaks the language of whoever asked."""
    use_locale("hi_IN")
    try:
        assert probes.run({"language": current_locale}) == {"language": "hi_IN"}
    finally:
        use_locale(DEFAULT_LOCALE)
