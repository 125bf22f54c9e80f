"""Invalidations that are easily lost: sent twice, numbered with a gap, or of a tag that was forgotten since."""

import uuid
from collections.abc import Iterator

import msgspec
import pytest

from backend.kit.cache import local_layer as local_module
from backend.kit.cache.entry import CacheEntry
from backend.kit.cache.invalidation_listener import InvalidationListener
from backend.kit.cache.local_layer import LocalLayer
from backend.kit.cache.redis_layer import SharedLayer
from backend.kit.embedded import Servers
from backend.kit.redis.client import connect, disconnect
from backend.kit.redis.numbered_stream import Fields, StreamPosition


@pytest.fixture
def shared(servers: Servers) -> Iterator[SharedLayer]:
    client = connect(str(servers.redis_url))
    yield SharedLayer(client, f"test-{uuid.uuid4().hex[:8]}", lock_seconds=10)
    disconnect(client)


def put(layer: LocalLayer, tag: str, generation: int) -> None:
    layer.put(tag, CacheEntry(1, 0, 1e12, 0), "r", ("*", tag), generation=generation, until=1e12)


def test_a_tag_invalidated_while_it_is_sent_is_sent_again(shared: SharedLayer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first word may have gone out before the second change: only its own is taken as told."""
    sent: list[list[str]] = []
    send = shared._send

    def send_slowly(tags: list[str]) -> None:
        send(tags)
        sent.append(tags)
        if len(sent) == 1:
            shared._remember(["t"])

    shared.verify()
    monkeypatch.setattr(shared, "_send", send_slowly)
    shared.invalidate(["t"])
    assert list(shared._pending) == ["t"]
    shared.read("k", ["t"])
    assert sent == [["t"], ["t"]]
    assert not shared._pending


def test_a_gap_between_two_messages_empties_everything(shared: SharedLayer) -> None:
    """What the lost message named cannot be known: values of any tag go."""
    layer = LocalLayer(100)
    listener = InvalidationListener(shared, layer)
    put(layer, "kept", layer.generation)
    listener._apply([message(1, "other")])
    assert layer.get("kept", 0) is not None
    listener._apply([message(3, "other")])
    assert layer.get("kept", 0) is None


def message(number: int, tag: str) -> tuple[StreamPosition, Fields]:
    fields = {b"number": str(number).encode(), b"tags": msgspec.msgpack.encode([tag]), b"origin": b"somebody else"}
    return StreamPosition(f"{number}-0", number), fields


def test_a_tag_that_was_forgotten_counts_as_invalidated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many tags the oldest leave the record; what was read before is not believed for want of it."""
    monkeypatch.setattr(local_module, "_MAX_TAGS", 2)
    layer = LocalLayer(100)
    generation = layer.generation
    for tag in ("a", "b", "c"):
        layer.invalidate([tag])
    put(layer, "a", generation)
    assert layer.get("a", 0) is None
    put(layer, "a", layer.generation)
    assert layer.get("a", 0) is not None
