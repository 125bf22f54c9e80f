"""Pages take turns: few are drawn at once, and nobody waits for ever."""

from collections.abc import Iterator
from contextlib import ExitStack
from threading import Event, Thread

import pytest

from pages.shell import script_runs
from tests.waiting import until


@pytest.fixture
def all_taken() -> Iterator[ExitStack]:
    """Every turn is taken until the stack is closed."""
    with ExitStack() as turns:
        for _each in range(script_runs.AT_ONCE):
            turns.enter_context(script_runs.in_turn())
        yield turns


def started(drawn: Event) -> Thread:
    def draw() -> None:
        with script_runs.in_turn():
            drawn.set()

    thread = Thread(target=draw)
    thread.start()
    return thread


def test_a_page_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch, all_taken: ExitStack) -> None:
    """While as many as may be are drawn, one more waits, and is drawn as soon as one of them is done."""
    monkeypatch.setattr(script_runs, "PATIENCE_SECONDS", 60.0)
    drawn = Event()
    thread = started(drawn)
    assert not drawn.wait(0.3)
    all_taken.close()
    assert drawn.wait(60)
    thread.join()


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch, all_taken: ExitStack) -> None:
    """Pages that wait for something slow hold others up for a while only, and lose no turn."""
    monkeypatch.setattr(script_runs, "PATIENCE_SECONDS", 0.05)
    drawn = Event()
    started(drawn).join()
    assert drawn.is_set()
    all_taken.close()
    until(lambda: script_runs._turns._value == script_runs.AT_ONCE)
