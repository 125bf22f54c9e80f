"""Between the wish to stop and the stop: what a process still does, and what it says."""

import signal
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from backend.api.middleware.draining import READY, Drain, Draining
from tests.waiting import until


@pytest.fixture
def stops() -> Iterator[list[int]]:
    """Takes the place of the server's own way to stop, for as long as the test."""
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: heard.append(number))
    yield heard
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def drain(stops: list[int]) -> Iterator[Drain]:
    """One whose stop never comes to the tests after this one."""
    made = Drain()
    yield made
    made.call_off()


def answers(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("served")


def served(drain: Drain) -> TestClient:
    """An application behind the drain."""
    app = Starlette(routes=[Route(READY, answers), Route("/page", answers)])
    return TestClient(Draining(app, drain=drain))


def test_a_process_that_stays_is_let_alone(drain: Drain) -> None:
    """Before anybody asks it to stop, nothing is added to its answers."""
    client = served(drain)
    assert client.get(READY).text == "served"
    assert "connection" not in client.get("/page").headers


def test_a_leaving_process_serves_but_says_that_it_is_not_ready(drain: Drain, stops: list[int]) -> None:
    """After SIGTERM: not ready, every request is answered, every connection closes; the stop comes later."""
    drain.hear_signals(30.0)
    signal.raise_signal(signal.SIGTERM)
    client = served(drain)
    assert client.get(READY).status_code == 503
    page = client.get("/page")
    assert (page.text, page.headers["connection"]) == ("served", "close")
    assert stops == []


def test_the_stop_comes_when_the_time_is_over(drain: Drain, stops: list[int]) -> None:
    """The server is told to stop once, after the time that was set."""
    drain.hear_signals(0.1)
    signal.raise_signal(signal.SIGTERM)
    until(lambda: stops == [signal.SIGTERM])


def test_who_asks_twice_does_not_want_to_wait(drain: Drain, stops: list[int]) -> None:
    """A second SIGTERM stops at once."""
    drain.hear_signals(30.0)
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    assert stops == [signal.SIGTERM]


def test_without_a_time_nothing_is_put_off(drain: Drain, stops: list[int]) -> None:
    """DRAIN_SECONDS of 0, which is the default, leaves the server's own way to stop."""
    drain.hear_signals(0.0)
    signal.raise_signal(signal.SIGTERM)
    assert stops == [signal.SIGTERM]
