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
def pair(servers: Servers) -> Iterator[tuple[Limiter, Limiter]]:
    """Two processes over one server, not started."""
    namespace = f"test-{uuid4().hex[:8]}"
    clients = [connect(str(servers.redis_url)) for _process in range(2)]
    yield Limiter(clients[0], namespace=namespace), Limiter(clients[1], namespace=namespace)
    for client in clients:
        disconnect(client)


def leased(limiter: Limiter) -> Lease:
    """A lease that has permits left."""

    def has_some() -> bool:
        limiter.take("a", WIDE)
        lease = limiter.lease("a", WIDE)
        return lease is not None and lease.left > 1

    until(has_some)
    lease = limiter.lease("a", WIDE)
    assert lease is not None
    return lease


def test_a_lease_that_was_given_back_gives_nothing(pair: tuple[Limiter, Limiter]) -> None:
    """Whoever still holds it when another thread gives its permits back finds none to take."""
    lease = leased(pair[0])
    lease.until = monotonic() + 600
    pair[0].give_back("a", WIDE)
    assert pair[0].spend(lease) is None


def test_a_block_fetched_for_a_lease_that_is_gone_is_given_back(pair: tuple[Limiter, Limiter]) -> None:
    """What was fetched ahead, for a lease that was used up meanwhile, is free for other processes again."""
    here, there = pair
    lease = leased(here)
    before = there.take("a", WIDE).remaining
    here._leases.clear()
    lease.left, lease.block = 0, 50
    here._renew(lease)
    after = there.take("a", replace(WIDE)).remaining
    assert after[1] in (before[1] - 1, before[1])


def test_few_leases_are_held(pair: tuple[Limiter, Limiter], monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were asked for first leave: addresses that call once each do not fill the memory."""
    monkeypatch.setattr(limiter_module, "LEASES", 3)
    for number in range(9):
        pair[0].take(f"caller {number}", WIDE)
    assert [subject for subject, _rules in pair[0]._leases] == ["caller 6", "caller 7", "caller 8"]


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
    lease = Lease("a", WIDE, "redis", 8, 0, -1, 100.0, 0.0, (), (), b"")
    assert next_block(lease, WIDE, 99.0) == (16, 0)
    assert next_block(lease, WIDE, 101.0) == (1, 0)
    assert next_block(replace(lease, left=3), WIDE, 101.0) == (1, 3)
    assert next_block(replace(lease, left=3, source="memory"), WIDE, 101.0) == (1, 0)
    assert next_block(replace(lease, block=80), WIDE, 99.0) == (100, 0)
