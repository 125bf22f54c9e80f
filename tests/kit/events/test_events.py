"""The event hub: what is published reaches who listens, in every process, and a doubt is told rather than hidden."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from multiprocessing.synchronize import Event as Flag
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from backend.kit.events.hub import MISSED, Event, EventHub, Subscription
from backend.kit.events.subscription import place
from backend.kit.observability.metrics import EVENTS, Registry
from backend.kit.redis.client import connect
from tests.kit.redis.valkey_process import ValkeyCluster, ValkeyProcess
from tests.waiting import eventually

Hubs = Callable[[], EventHub]


@pytest.fixture
def hubs(valkey_or_redis: ValkeyProcess) -> Iterator[Hubs]:
    """`hubs()` is one more hub over the same server, as another process would have it."""
    made: list[EventHub] = []

    def hub() -> EventHub:
        made.append(EventHub(valkey_or_redis.client(), Registry()))
        made[-1].start()
        assert eventually(lambda: made[-1].healthy)
        return made[-1]

    yield hub
    for each in made:
        each.close()


def nothing() -> None:
    """A listener that looks for itself."""


def heard(subscription: Subscription, count: int = 1, seconds: float = 20.0) -> list[Event]:
    """The next events, once there are `count`."""
    events: list[Event] = []

    def are_there() -> bool:
        events.extend(subscription.take())
        return len(events) >= count

    assert eventually(are_there, seconds=seconds), events
    return events


def heard_until(subscription: Subscription, last: int) -> list[Event]:
    """All events up to the one with the number `last`."""
    events: list[Event] = []

    def is_there() -> bool:
        events.extend(subscription.take())
        return any(event.rooms.get("a") == {"number": last} for event in events)

    assert eventually(is_there), len(events)
    return events


def publish_from_elsewhere(url: str, may_begin: Flag) -> None:
    """A process that publishes fifty events, in order."""
    hub = EventHub(connect(url), Registry())
    hub.start()
    assert may_begin.wait(60)
    for number in range(50):
        hub.publish("changed", {"a": {"number": number}})
    hub.close()


def test_two_processes_exchange_events(valkey_or_redis: ValkeyProcess, hubs: Hubs) -> None:
    """What another process publishes arrives here: all of it, in order, each with an id of its own."""
    subscription = hubs().subscribe(["a"], nothing)
    spawn = multiprocessing.get_context("spawn")
    may_begin = spawn.Event()
    process = spawn.Process(target=publish_from_elsewhere, args=(valkey_or_redis.url, may_begin))
    process.start()
    may_begin.set()
    events = heard(subscription, 50, seconds=30)
    process.join(60)
    assert [event.rooms["a"]["number"] for event in events] == list(range(50))
    ids = [place(event.id) for event in events]
    assert ids == sorted(set(ids))


def test_a_room_hears_its_own_payload_and_no_other(hubs: Hubs) -> None:
    """One event in several rooms arrives once, cut down to the rooms that the listener asked for."""
    hub = hubs()
    one, both, other = (hub.subscribe(rooms, nothing) for rooms in (["a"], ["a", "b"], ["c"]))
    hub.publish("changed", {"a": {"who": 1}, "b": {"many": 2}, "d": {}})
    assert heard(one)[0].rooms == {"a": {"who": 1}}
    assert [event.rooms for event in heard(both)] == [{"a": {"who": 1}, "b": {"many": 2}}]
    assert other.take() == []


def test_publishing_waits_for_nobody(valkey_or_redis: ValkeyProcess, hubs: Hubs) -> None:
    """A thousand publications return at once even while Redis answers nothing."""
    hub = hubs()
    valkey_or_redis.freeze()
    started = time.perf_counter()
    for _number in range(1000):
        hub.publish("changed", {"a": {}})
    assert time.perf_counter() - started < 5  # one time limit each would be four minutes
    valkey_or_redis.thaw()


def test_who_comes_back_gets_what_came_since(hubs: Hubs) -> None:
    """With the id of the last event known, the later ones wait already, each once, before the newest."""
    hub = hubs()
    first = hub.subscribe(["a"], nothing)
    for number in range(5):
        hub.publish("changed", {"a": {"number": number}})
    events = heard(first, 5)
    hub.unsubscribe(first)
    again = hub.subscribe(["a"], nothing, after=events[1].id)
    hub.publish("changed", {"a": {"number": 5}})
    assert [event.rooms["a"]["number"] for event in heard(again, 4)] == [2, 3, 4, 5]


def test_a_position_loses_nothing_between_looking_and_listening(hubs: Hubs) -> None:
    """What happens after `position` was asked for, before the subscription, is heard."""
    hub = hubs()
    hub.publish("changed", {"a": {}})
    before = hub.position
    assert eventually(lambda: hub.position != before)
    asked = hub.position
    hub.publish("changed", {"a": {"number": 1}})
    assert eventually(lambda: hub.position != asked)
    assert [event.rooms["a"] for event in hub.subscribe(["a"], nothing, after=asked).take()] == [{"number": 1}]


def test_what_was_trimmed_is_called_missed(valkey_or_redis: ValkeyProcess, hubs: Hubs) -> None:
    """An id that the stream no longer reaches back to leads to "missed", not to silence."""
    hub = hubs()
    before = hub.position
    hub.publish("changed", {"a": {}})
    assert eventually(lambda: hub.position != before)
    assert [event.name for event in hub.subscribe(["a"], nothing, after="1-0").take()] == [MISSED]
    position = hub.position
    valkey_or_redis.flush()
    assert [event.name for event in hub.subscribe(["a"], nothing, after=position).take()] == [MISSED]


def test_a_full_queue_forgets_the_oldest_and_says_so(hubs: Hubs) -> None:
    """Who reads too slowly keeps the newest events and learns that there were others."""
    hub = hubs()
    slow = hub.subscribe(["a"], nothing, limit=3)
    quick = hub.subscribe(["a"], nothing)
    for number in range(10):
        hub.publish("changed", {"a": {"number": number}})
    heard(quick, 10)
    assert eventually(lambda: slow._waiting[-1].rooms["a"]["number"] == 9)
    events = slow.take()
    assert [event.name for event in events] == [MISSED, "changed", "changed", "changed"]
    assert [event.rooms["a"]["number"] for event in events[1:]] == [7, 8, 9]
    assert slow.take() == []


def test_the_stream_is_bounded(valkey_or_redis: ValkeyProcess, hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is published, Redis holds about as much as is kept; who could not keep up with it is told so."""
    monkeypatch.setattr("backend.kit.events.stream.KEPT_EVENTS", 200)
    hub = hubs()
    subscription = hub.subscribe(["a"], nothing, limit=5000)
    for number in range(2000):
        hub.publish("changed", {"a": {"number": number}})
    events = heard_until(subscription, 1999)
    names = {event.name for event in events}
    assert len(events) == 2000 or MISSED in names
    assert int(valkey_or_redis.client().xlen("{cp}:events")) < 500


class Slow:
    """A listener that holds up its hub from the first event on until `may_go`."""

    def __init__(self) -> None:
        self.is_waiting = threading.Event()
        self.may_go = threading.Event()

    def wake(self) -> None:
        self.is_waiting.set()
        assert self.may_go.wait(60)


def test_events_trimmed_before_they_were_read_are_called_missed(
    valkey_or_redis: ValkeyProcess, hubs: Hubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that falls behind by more than the stream keeps does not go on as if nothing had been."""
    monkeypatch.setattr("backend.kit.events.stream.KEPT_EVENTS", 200)
    here, there, slow = hubs(), hubs(), Slow()
    subscription = there.subscribe(["a"], slow.wake, limit=5000)
    here.publish("changed", {"a": {"number": -1}})
    assert slow.is_waiting.wait(60)
    for number in range(2000):
        here.publish("changed", {"a": {"number": number}})
    assert eventually(lambda: int(valkey_or_redis.client().get("{cp}:events:number") or 0) == 2001)
    slow.may_go.set()
    events = heard_until(subscription, 1999)
    assert MISSED in {event.name for event in events}
    assert len(events) < 1000


def test_events_flushed_before_they_were_read_are_called_missed(valkey_or_redis: ValkeyProcess, hubs: Hubs) -> None:
    """Even if nothing is published afterwards, a flush that took unread events along is noticed."""
    here, there, slow = hubs(), hubs(), Slow()
    subscription = there.subscribe(["a"], slow.wake)
    here.publish("changed", {"a": {}})
    assert slow.is_waiting.wait(60)
    here.publish("changed", {"a": {}})
    assert eventually(lambda: int(valkey_or_redis.client().get("{cp}:events:number") or 0) == 2)
    valkey_or_redis.flush()
    slow.may_go.set()
    assert eventually(lambda: MISSED in {event.name for event in subscription.take()})


def test_without_redis_this_process_goes_on(valkey_or_redis: ValkeyProcess, hubs: Hubs) -> None:
    """Redis killed: local listeners hear, `healthy` is False; Redis back: others hear again and were told to reread."""
    here, there = hubs(), hubs()
    ours, theirs = here.subscribe(["a"], nothing), there.subscribe(["a"], nothing)
    valkey_or_redis.kill()
    here.publish("changed", {"a": {"number": 1}})
    assert [event.rooms.get("a") for event in heard(ours)] == [{"number": 1}]
    assert eventually(lambda: not here.healthy)
    assert eventually(lambda: here._registry.read(EVENTS)["publish"].failed > 0)
    assert theirs.take() == []

    valkey_or_redis.start()
    assert eventually(lambda: here.healthy and there.healthy)
    assert heard(theirs)[0].name == MISSED
    assert heard(ours)[0].name == MISSED
    assert eventually(lambda: not here._is_untold)
    here.publish("changed", {"a": {"number": 2}})
    assert eventually(lambda: {"number": 2} in [each.rooms.get("a") for each in theirs.take()])


def test_what_one_process_could_not_send_is_owned_up_to(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others, whose own link never broke, are told that they missed something, though nothing is published later."""
    here, there = hubs(), hubs()
    ours, theirs = here.subscribe(["a"], nothing), there.subscribe(["a"], nothing)
    append = here._stream.append

    def refused(_events: Sequence[Event]) -> None:
        monkeypatch.setattr(here._stream, "append", append)
        raise RedisConnectionError("cut off for a moment")

    monkeypatch.setattr(here._stream, "append", refused)
    here.publish("changed", {"a": {"number": 1}})
    assert heard(ours)[0].rooms["a"] == {"number": 1}
    assert heard(theirs)[0].name == MISSED


def test_resuming_without_redis_is_called_missed(valkey_or_redis: ValkeyProcess, hubs: Hubs) -> None:
    """Nobody knows what came since: the listener has to read again."""
    hub = hubs()
    valkey_or_redis.kill()
    assert [event.name for event in hub.subscribe(["a"], nothing, after="5-0").take()] == [MISSED]


def test_it_works_on_a_cluster(tmp_path: Path) -> None:
    """Events travel through a Redis Cluster as through one server."""
    with closing(server := _Stopping(tmp_path)), closing(hub := EventHub(server.cluster.client(), Registry())):
        hub.start()
        assert eventually(lambda: hub.healthy)
        subscription = hub.subscribe(["a"], nothing)
        hub.publish("changed", {"a": {"number": 1}})
        event = heard(subscription)[0]
        hub.publish("changed", {"a": {"number": 2}})
        heard(subscription)
        again = hub.subscribe(["a"], nothing, after=event.id)
        assert [each.rooms["a"]["number"] for each in again.take()] == [2]


def test_nothing_runs_before_start_or_after_close(valkey_or_redis: ValkeyProcess) -> None:
    """A hub that was not started publishes into the void, and a closed one leaves no thread behind."""
    hub = EventHub(valkey_or_redis.client(), Registry())
    subscription = hub.subscribe(["a"], nothing)
    hub.publish("changed", {"a": {}})
    assert subscription.take() == []
    hub.start()
    threads = list(hub._threads)
    hub.close()
    assert not any(thread.is_alive() for thread in threads)


def test_who_left_is_forgotten(hubs: Hubs) -> None:
    """The audience of a room is who listens now; nothing of those who left is kept."""
    hub = hubs()
    subscriptions = [hub.subscribe(["a", "b"], nothing) for _number in range(3)]
    assert (hub.audience(["a"]), hub.audience(["b", "c"]), hub.audience([])) == (3, 3, 0)
    for subscription in subscriptions:
        hub.unsubscribe(subscription)
        hub.unsubscribe(subscription)
    assert hub._listeners == {}


class _Stopping:
    """A cluster that `closing` can stop."""

    def __init__(self, folder: Path) -> None:
        self.cluster = ValkeyCluster(folder)

    def close(self) -> None:
        self.cluster.stop()
