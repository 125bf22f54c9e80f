"""Leases of the limiter beside each other: none gives a permit that was given back, and none is held for ever."""

from collections.abc import Iterator
from dataclasses import replace
from time import monotonic
from uuid import uuid4

import pytest

from backend.kit.embedded import Servers
from backend.kit.limiter import limiter as limiter_module
from backend.kit.limiter.gcra import Rule, RuleSet
from backend.kit.limiter.leases import Lease, next_block
from backend.kit.limiter.limiter import Limiter
from backend.kit.redis.client import connect, disconnect
from tests.waiting import until

WIDE = RuleSet("wide", (Rule("hour", 4000, 3600), Rule("burst", 2000, 864_000)))


@pytest.fixture
def two_limiters(servers: Servers) -> Iterator[tuple[Limiter, Limiter]]:
    """Two processes over one server, not started."""
    namespace = f"test-{uuid4().hex[:8]}"
    clients = [connect(str(servers.redis_url)) for _process in range(2)]
    yield Limiter(clients[0], namespace=namespace), Limiter(clients[1], namespace=namespace)
    for client in clients:
        disconnect(client)


def test_a_lease_that_was_given_back_gives_nothing(
    two_limiters: tuple[Limiter, Limiter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that still holds it when another gives its permits back finds none to take."""
    here = two_limiters[0]

    def lease() -> Lease:
        here.take("a", WIDE)
        return next(iter(here._leases.values()))

    until(lambda: lease().left > 1)
    held = next(iter(here._leases.values()))
    held.until = monotonic() + 600
    here.give_back("a", WIDE)
    monkeypatch.setitem(here._leases, ("a", WIDE.name), held)
    assert here.take_held("a", WIDE) is None


def test_few_leases_are_held(two_limiters: tuple[Limiter, Limiter], monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were asked for first leave: addresses that call once each do not fill the memory."""
    monkeypatch.setattr(limiter_module, "LEASES", 3)
    for number in range(9):
        two_limiters[0].take(f"caller {number}", WIDE)
    assert [subject for subject, _rules in two_limiters[0]._leases] == ["caller 6", "caller 7", "caller 8"]


def test_memory_divides_by_no_fewer_processes_than_are_configured(servers: Servers) -> None:
    """A school that starts four is not given the whole allowance by the one whose heart beats first."""
    client = connect(str(servers.redis_url))
    limiter = Limiter(client, namespace=f"test-{uuid4().hex[:8]}", processes=4)
    limiter.start()
    try:
        until(lambda: limiter._processes == 1)
        assert limiter.processes == 4
    finally:
        limiter.close()
        disconnect(client)


def test_a_block_that_lasted_is_not_doubled() -> None:
    """Twice as many are taken only by who used the block up in its second; what is left of another is given back."""
    lease = Lease(WIDE, "redis", 8, 0, 100.0, 0.0, 0.0, (), ())
    assert next_block(lease, WIDE, 99.0) == (16, 0)
    assert next_block(lease, WIDE, 101.0) == (1, 0)
    assert next_block(replace(lease, left=3), WIDE, 101.0) == (1, 3)
    assert next_block(replace(lease, left=3, source="memory"), WIDE, 101.0) == (1, 0)
    assert next_block(replace(lease, block=80), WIDE, 99.0) == (100, 0)
