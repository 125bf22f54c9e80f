"""The event hub beside readers and events that are at fault: they cost themselves, and nobody else a single event."""

import uuid
from collections.abc import Iterator

import pytest
import structlog.testing

from backend.kit.embedded import Servers
from backend.kit.events.hub import EventHub
from backend.kit.observability.metrics import Registry
from backend.kit.redis.client import connect, disconnect
from tests.waiting import until


@pytest.fixture
def hubs(servers: Servers) -> Iterator[tuple[EventHub, EventHub]]:
    """Two processes over one server."""
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    clients = [connect(str(servers.redis_url)) for _process in range(2)]
    made = EventHub(clients[0], Registry(), namespace=namespace), EventHub(clients[1], Registry(), namespace=namespace)
    for hub in made:
        hub.start()
    until(lambda: all(hub.healthy for hub in made))
    yield made
    for hub in made:
        hub.close()
    for client in clients:
        disconnect(client)


def nothing() -> None:
    """A listener that looks for itself."""


def closed_loop() -> None:
    """What asyncio says to whoever wakes a reader of a loop that has ended."""
    raise RuntimeError("Event loop is closed")


def test_a_reader_that_cannot_be_woken_costs_nobody_else_an_event(hubs: tuple[EventHub, EventHub]) -> None:
    """One listener raises when it is woken: those who listen beside it go on hearing this event and the next ones."""
    here, there = hubs
    with structlog.testing.capture_logs() as lines:
        here.subscribe(["a"], closed_loop)
        beside = here.subscribe(["a"], nothing)
        heard: list[object] = []

        def are_heard() -> bool:
            heard.extend(event.rooms["a"]["number"] for event in beside.take())
            return len(heard) == 3

        for number in range(3):
            there.publish("changed", {"a": {"number": number}})
        until(are_heard)
    assert heard == [0, 1, 2]
    assert [line["event"] for line in lines] == ["listener_not_woken"] * 3


def test_an_event_that_cannot_be_written_does_not_silence_the_next(hubs: tuple[EventHub, EventHub]) -> None:
    """A payload of a foreign type reaches nobody elsewhere; what is published after it reaches everybody."""
    here, there = hubs
    elsewhere, beside = there.subscribe(["a"], nothing), here.subscribe(["a"], nothing)
    with structlog.testing.capture_logs() as lines:
        here.publish("changed", {"a": {"number": object()}})
        until(lambda: bool(beside.take()))
    assert "events cannot be sent" in [line["event"] for line in lines]
    heard: list[object] = []

    def is_heard() -> bool:
        here.publish("changed", {"a": {"number": 2}})
        heard.extend(event.rooms["a"]["number"] for event in elsewhere.take())
        return bool(heard)

    until(is_heard)
    assert set(heard) == {2}
