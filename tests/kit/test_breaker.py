"""The breaker: what opens it, the one probe, what it refuses; and that nothing reaches MongoDB or Redis around it."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from gridfs import GridFSBucket
from pymongo.errors import AutoReconnect, DuplicateKeyError, NetworkTimeout
from redis.exceptions import ResponseError

from backend.bootstrap import Backend
from backend.errors import Unavailable
from backend.kit.breaker import CONCLUSIVE, Breaker
from backend.kit.mongo.client import Mongo
from backend.kit.mongo.guarded_client import PRIMARY, READS, MongoRefused, reading_from_any
from backend.kit.redis import client as redis
from tests.kit.redis.valkey_process import ValkeyProcess
from tests.waiting import eventually, until


class Lost(Exception):
    """What a call raises when its server is away."""


class Refused(Exception):
    """What the breaker raises."""


def _lose() -> None:
    raise Lost


def _weigh(error: BaseException) -> int | None:
    if not isinstance(error, Exception):
        return None
    return int(isinstance(error, Lost))


def _breaker(*, reset_seconds: float = 60.0, weigh: Callable[[BaseException], int | None] = _weigh) -> Breaker:
    return Breaker("test", weigh=weigh, refusal=Refused, limit=3, reset_seconds=reset_seconds)


def _open(breaker: Breaker) -> None:
    while breaker.is_closed:
        with pytest.raises(Lost):
            breaker.call(_lose)


def test_failures_in_a_row_open_it_and_calls_are_refused_without_being_made() -> None:
    """After three failures in a row nothing is called any more, and the figures say so."""
    breaker, calls = _breaker(), []
    _open(breaker)
    with pytest.raises(Refused):
        breaker.call(lambda: calls.append(1))
    figures = breaker.read()
    assert calls == []
    assert (figures.state, figures.opened, figures.refused) == ("open", 1, 1)
    assert "Lost" in figures.reason


def test_a_success_in_between_begins_the_count_anew() -> None:
    """Only failures in a row count: a busy server that fails now and then stays in use."""
    breaker = _breaker()
    for _attempt in range(3):
        for _failure in range(2):
            with pytest.raises(Lost):
                breaker.call(_lose)
        breaker.call(lambda: None)
    assert breaker.state == "closed"


def test_errors_of_the_caller_never_open_it() -> None:
    """An error that shows that the server answers is a success of the server."""

    def mistaken() -> None:
        raise ValueError

    breaker = _breaker()
    for _attempt in range(10):
        with pytest.raises(ValueError):
            breaker.call(mistaken)
    assert breaker.state == "closed"


def test_one_error_may_be_proof_enough() -> None:
    """Where the failure is conclusive, the first one opens it."""
    breaker = _breaker(weigh=lambda _error: CONCLUSIVE)
    with pytest.raises(Lost):
        breaker.call(_lose)
    assert breaker.state == "open"


def test_twenty_waiting_threads_make_one_probe() -> None:
    """Half-open lets exactly one call through; nineteen are refused while it is still under way; then all may."""
    breaker = _breaker(reset_seconds=0.0)
    _open(breaker)
    go_on, inside, refused = threading.Event(), [], []

    def probe() -> None:
        inside.append(1)
        go_on.wait(60)

    def call() -> None:
        try:
            breaker.call(probe)
        except Refused:
            refused.append(1)

    threads = [threading.Thread(target=call) for _thread in range(20)]
    for thread in threads:
        thread.start()
    until(lambda: len(refused) == 19)
    assert breaker.read().state == "half-open"
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert inside == [1]
    assert breaker.read().state == "closed"


def test_calls_run_side_by_side() -> None:
    """Its lock is not held during a call: two that wait for each other both end."""
    breaker, meeting = _breaker(), threading.Barrier(2, timeout=10)
    threads = [threading.Thread(target=breaker.call, args=(meeting.wait,)) for _thread in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not meeting.broken


def test_a_probe_that_fails_opens_it_again() -> None:
    """The next probe waits for its time; the outage is still one outage."""
    breaker = _breaker()
    _open(breaker)
    since = breaker.read().since
    breaker.hint()
    with pytest.raises(Lost):
        breaker.call(_lose)
    figures = breaker.read()
    assert (figures.state, figures.opened, figures.since) == ("open", 1, since)
    assert breaker.retry_after_seconds > 0


def test_a_probe_that_is_called_off_leaves_its_place_to_the_next() -> None:
    """Somebody who closes her browser in the middle of the probe does not keep everybody out."""

    def called_off() -> None:
        raise KeyboardInterrupt

    breaker = _breaker()
    _open(breaker)
    breaker.hint()
    with pytest.raises(KeyboardInterrupt):
        breaker.call(called_off)
    assert breaker.call(lambda: "through") == "through"
    assert breaker.state == "closed"


def test_a_call_from_before_the_outage_is_not_heeded() -> None:
    """An answer that was long on its way closes nothing: it says how the server was."""
    breaker, go_on = _breaker(), threading.Event()
    slow = threading.Thread(target=breaker.call, args=(go_on.wait, 10))
    slow.start()
    _open(breaker)
    go_on.set()
    slow.join(60)
    assert breaker.state == "open"


def _transact(mongo: Mongo) -> None:
    mongo.transaction(lambda session: mongo["x"].insert_one({}, session=session))


def _iterate(mongo: Mongo) -> None:
    GridFSBucket(mongo.database).find({}).to_list()


def _watch(mongo: Mongo) -> None:
    mongo["x"].watch().close()


_WAYS: dict[str, tuple[str, Callable[[Mongo], Any]]] = {
    "find": (READS, lambda mongo: mongo["x"].find({}).to_list()),
    "find_one": (READS, lambda mongo: mongo["x"].find_one({})),
    "aggregate": (READS, lambda mongo: mongo["x"].aggregate([{"$limit": 1}]).to_list()),
    "count": (READS, lambda mongo: mongo["x"].count_documents({})),
    "distinct": (READS, lambda mongo: mongo["x"].distinct("a")),
    "watch": (READS, _watch),
    "gridfs": (READS, _iterate),
    "insert": (PRIMARY, lambda mongo: mongo["x"].insert_one({})),
    "bulk": (PRIMARY, lambda mongo: mongo["x"].insert_many([{}, {}])),
    "update": (PRIMARY, lambda mongo: mongo["x"].update_many({}, {"$set": {"a": 1}})),
    "find_and_modify": (PRIMARY, lambda mongo: mongo["x"].find_one_and_update({}, {"$set": {"a": 1}})),
    "delete": (PRIMARY, lambda mongo: mongo["x"].delete_one({})),
    "index": (PRIMARY, lambda mongo: mongo["x"].create_index("a")),
    "command": (PRIMARY, lambda mongo: mongo.client.admin.command("ping")),
    "transaction": (PRIMARY, _transact),
}


@pytest.mark.parametrize("way", _WAYS)
def test_no_way_to_mongodb_leads_around_its_breaker(backend: Backend, way: str) -> None:
    """While it is open, no kind of operation is sent, however the driver carries it out."""
    name, act = _WAYS[way]
    mongo = backend.mongo

    def work(mongo: Mongo) -> None:
        with reading_from_any() if name == READS else nullcontext():
            act(mongo)

    work(mongo)

    def lost() -> None:
        raise NetworkTimeout

    breaker = mongo.breakers[name]
    for _attempt in range(5):
        with pytest.raises(NetworkTimeout):
            breaker.call(lost)
    assert not breaker.is_closed
    with pytest.raises((MongoRefused, Unavailable)):
        work(mongo)
    breaker.hint()
    work(mongo)
    assert breaker.is_closed


def test_broken_connections_are_no_outage_while_somebody_answers(backend: Backend) -> None:
    """A primary that is killed breaks the calls of all threads at once: each waits for the next one instead."""

    def broken() -> None:
        raise AutoReconnect

    backend.mongo["x"].find_one({})
    for _thread in range(16):
        with pytest.raises(AutoReconnect):
            backend.mongo.breakers[PRIMARY].call(broken)
    assert backend.mongo.breakers[PRIMARY].is_closed


def test_a_duplicate_is_no_failure_of_mongodb(backend: Backend) -> None:
    """What the database refuses, it has answered."""
    backend.mongo["x"].insert_one({"_id": "one"})
    for _attempt in range(10):
        with pytest.raises(DuplicateKeyError):
            backend.mongo["x"].insert_one({"_id": "one"})
    assert backend.mongo.breakers[PRIMARY].is_closed


def test_redis_is_left_alone_after_three_failures_and_found_again(tmp_path: Path) -> None:
    """A killed server costs three calls; then commands are refused at once, until it is back."""
    valkey = ValkeyProcess(tmp_path)
    client = redis.connect(valkey.url)
    breaker = redis.breaker_of(client)
    try:
        client.set("a", 1)
        valkey.kill()

        def is_refused() -> bool:
            try:
                client.get("a")
            except redis.RedisRefused:
                return True
            except redis.FAILURES:
                return False
            return False

        assert eventually(is_refused)
        assert breaker.read().opened == 1
        valkey.start()

        def answers() -> bool:
            try:
                return bool(client.ping())
            except redis.FAILURES:
                return False

        assert eventually(answers)
        assert breaker.is_closed
    finally:
        redis.disconnect(client)
        valkey.stop()


def test_what_redis_refuses_it_has_answered(backend: Backend) -> None:
    """A command that makes no sense does not open the breaker."""
    client = backend.redis_client
    client.set("text", "a")
    for _attempt in range(10):
        with pytest.raises(ResponseError):
            client.incr("text")
    assert redis.breaker_of(client).is_closed
