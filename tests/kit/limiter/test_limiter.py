"""The limiter over real servers: leases, several processes, Redis lost and found, Cluster."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from backend.kit.limiter.gcra import Delay, Rule, RuleSet
from backend.kit.limiter.leases import LEASE_SECONDS
from backend.kit.limiter.limiter import Limiter
from backend.kit.limiter.redis import RedisLimits
from backend.kit.redis.client import disconnect
from tests.kit.redis.valkey_process import ValkeyCluster, ValkeyProcess
from tests.waiting import until

WIDE = RuleSet("wide", (Rule("hour", 4000, 3600), Rule("burst", 2000, 864_000)))
NARROW = RuleSet("narrow", (Rule("hour", 12, 3600),))


class Processes:
    """Limiters as several processes would have them: nothing shared but the server."""

    def __init__(self, server: ValkeyProcess, count: int) -> None:
        self._clients = [server.client() for _process in range(count)]
        self.limiters = [Limiter(client) for client in self._clients]

    def close(self) -> None:
        for limiter in self.limiters:
            limiter.close()
        for client in self._clients:
            disconnect(client)


@pytest.fixture
def own_limiters(valkey: ValkeyProcess) -> Iterator[list[Limiter]]:
    """Two processes, not started."""
    with ExitStack() as stack:
        processes = Processes(valkey, 2)
        stack.callback(processes.close)
        yield processes.limiters


def allowed(limiter: Limiter, rule_set: RuleSet, tries: int, subject: str = "a") -> int:
    return sum(limiter.take(subject, rule_set).allowed for _try in range(tries))


def test_processes_share_one_allowance(own_limiters: list[Limiter]) -> None:
    """What one process gave another does not give again."""
    assert allowed(own_limiters[0], NARROW, 7) == 7
    assert allowed(own_limiters[1], NARROW, 12) == 5
    assert allowed(own_limiters[0], NARROW, 12) == 0


def test_a_decision_says_all_that_headers_need(own_limiters: list[Limiter]) -> None:
    """The quota, the window, what is left, when it is whole again, and when refused how long to wait."""
    decision = own_limiters[0].take("a", NARROW)
    assert decision.rule_set.policy == '"hour";q=12;w=3600'
    assert decision.header == b'"hour";r=11;t=300'
    allowed(own_limiters[0], NARROW, 11)
    refused = own_limiters[0].take("a", NARROW)
    assert not refused.allowed
    assert 200 < refused.retry_after_seconds <= 300
    assert refused.header == f'"hour";r=0;t={-(-refused.retry_after_seconds // 1):.0f}'.encode()


def test_leases_cost_no_permit_and_few_calls(own_limiters: list[Limiter], valkey: ValkeyProcess) -> None:
    """One after another exactly the quota passes, and a thousand decisions ask the server few times."""
    client = valkey.client()
    before = client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
    assert allowed(own_limiters[0], WIDE, 2500) == 2000
    after = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    disconnect(client)
    assert after - before < 500


def test_leases_hold_back_at_most_a_twentieth_each(own_limiters: list[Limiter]) -> None:
    """While one process sits on a block, another is refused at most that block too early, and nobody gets more."""
    assert allowed(own_limiters[0], WIDE, 900) == 900
    others = allowed(own_limiters[1], WIDE, 3000)
    assert 2000 - 900 - 2000 // 20 <= others <= 2000 - 900


def test_unused_permits_are_given_back(own_limiters: list[Limiter]) -> None:
    """What was left of a block when its second is over can be taken by another process."""
    assert allowed(own_limiters[0], WIDE, 900) == 900
    time.sleep(LEASE_SECONDS + 0.1)
    assert own_limiters[0].take("a", WIDE).allowed
    assert allowed(own_limiters[1], WIDE, 3000) >= 2000 - 901 - 1


def test_threads_of_one_process_lease_one_block(own_limiters: list[Limiter]) -> None:
    """Many callers at the end of a block take the next one once, not once each."""
    passed: list[bool] = []

    def call() -> None:
        passed.extend(own_limiters[0].take("a", WIDE).allowed for _try in range(200))

    threads = [threading.Thread(target=call) for _thread in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(passed) == 2000


def test_a_refusal_is_remembered_without_asking(own_limiters: list[Limiter]) -> None:
    """Who is refused and goes on asks no server until the permit may be there."""
    allowed(own_limiters[0], NARROW, 12)
    assert not own_limiters[0].take("a", NARROW).allowed
    held = own_limiters[0].take_held("a", NARROW)
    assert held is not None
    assert not held.allowed


def test_what_was_not_needed_is_given_back(own_limiters: list[Limiter]) -> None:
    """A permit given back is there again, for every process."""
    allowed(own_limiters[0], NARROW, 12)
    own_limiters[0].give_back("a", NARROW)
    assert allowed(own_limiters[1], NARROW, 3) == 1


@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_memory_gives_each_process_its_part(how: str, valkey: ValkeyProcess) -> None:
    """With Redis killed or frozen three processes together allow the allowance once more, and never raise."""
    processes = Processes(valkey, 3)
    try:
        for limiter in processes.limiters:
            limiter.start()
        until(lambda: all(limiter.processes == 3 for limiter in processes.limiters))
        getattr(valkey, how)()
        passed = [allowed(limiter, NARROW, 20) for limiter in processes.limiters]
        assert passed == [4, 4, 4]
        assert {limiter.source for limiter in processes.limiters} == {"memory"}
        assert processes.limiters[0].take("b", NARROW).rule_set.policy == '"hour";q=4;w=3600'
    finally:
        valkey.thaw() if how == "freeze" else valkey.start()
        processes.close()


def test_redis_is_used_again_when_it_is_back(valkey: ValkeyProcess) -> None:
    """The heartbeat finds the server again; no caller has to try."""
    processes = Processes(valkey, 1)
    try:
        (limiter,) = processes.limiters
        limiter.start()
        valkey.kill()
        until(lambda: limiter.source == "memory" or not limiter.take("a", NARROW).allowed)
        valkey.start()
        until(lambda: limiter.source == "redis")
        assert limiter.take("b", NARROW).source == "redis"
    finally:
        processes.close()


def test_a_process_that_ends_counts_no_longer(valkey: ValkeyProcess) -> None:
    """The allowance of memory is divided by those that live."""
    processes = Processes(valkey, 2)
    first, second = processes.limiters
    try:
        first.start()
        second.start()
        until(lambda: first.processes == 2)
        second.close()
        until(lambda: first.processes == 1)
    finally:
        processes.close()


def test_a_heart_that_missed_a_beat_beats_again(valkey: ValkeyProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the driver raises once, later beats still hear how many processes there are."""
    processes = Processes(valkey, 2)
    first, second = processes.limiters
    beats: list[int] = []
    alive = RedisLimits.alive

    def stumble(of: RedisLimits) -> int:
        beats.append(1)
        if len(beats) == 1:
            raise AttributeError("a driver in the middle of a reconnect")
        return alive(of)

    monkeypatch.setattr(RedisLimits, "alive", stumble)
    try:
        first.start()
        until(lambda: len(beats) > 1)
        second.start()
        until(lambda: first.processes == 2)
    finally:
        processes.close()


def test_a_closed_limiter_leaves_no_thread_behind(valkey: ValkeyProcess) -> None:
    """Its heartbeat ends, also where it is started and closed again."""
    processes = Processes(valkey, 1)
    (limiter,) = processes.limiters
    for _time in range(2):
        limiter.start()
        thread = limiter._thread
        assert thread is not None
        limiter.close()
        assert not thread.is_alive()
    processes.close()


def test_it_works_on_a_cluster(tmp_path: Path) -> None:
    """All that the limiter asks of Redis keeps to one slot."""
    cluster = ValkeyCluster(tmp_path)
    processes = Processes(cluster, 1)
    try:
        (limiter,) = processes.limiters
        limiter.start()
        until(lambda: limiter.processes == 1)
        assert allowed(limiter, WIDE, 50) == 50
        delay = Delay(free=1, first_seconds=5, most_seconds=5, forget_seconds=60)
        assert limiter.attempt("a", delay) == 0
        assert limiter.attempt("a", delay) > 4
        limiter.forgive("a")
        assert limiter.attempt("a", delay) == 0
        assert limiter.source == "redis"
    finally:
        processes.close()
        cluster.stop()


def test_without_redis_a_process_decides_alone() -> None:
    """No client is no failure."""
    limiter = Limiter(None, processes=4)
    assert allowed(limiter, NARROW, 12) == 3
    assert limiter.counts() == {"narrow": (3, 9)}
