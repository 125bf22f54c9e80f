"""Facts about how open streams end when the process is asked to stop."""

import os
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from backend.api.streaming.connections import Streams
from backend.errors import Unavailable


@pytest.fixture
def server_waits() -> Iterator[list[int]]:
    """The signals that reach the server, in place of the end of this process."""
    heard: list[int] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        heard.append(number)

    before = {each: signal.signal(each, hear) for each in (signal.SIGINT, signal.SIGTERM)}
    yield heard
    for each, handler in before.items():
        signal.signal(each, handler)


def test_nothing_opens_between_the_signal_and_the_stop(server_waits: list[int]) -> None:
    """A stream that is asked for after the signal is refused, even as the first of all; the server hears it too."""
    streams = Streams()
    streams.hear_signals()
    os.kill(os.getpid(), signal.SIGINT)
    assert server_waits == [signal.SIGINT]
    with pytest.raises(Unavailable):
        streams.take("somebody")
