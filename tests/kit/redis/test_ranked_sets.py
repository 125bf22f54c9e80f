"""Ranked sets: whole and true to what was put, or not there; on one server and on a Cluster."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.kit import deadline
from backend.kit.redis.client import disconnect
from backend.kit.redis.ranked_sets import RankedEntry, RankedRow, RankedSets, Seen, SetsAway
from tests.kit.redis.valkey_process import ValkeyCluster, ValkeyProcess
from tests.waiting import eventually

MEASURES = ("points", "days")


@pytest.fixture(scope="module", params=[ValkeyProcess, ValkeyCluster], ids=["server", "cluster"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    started = request.param(tmp_path_factory.mktemp("v"))
    yield started
    started.stop()


@pytest.fixture
def sets(server: ValkeyProcess) -> Iterator[RankedSets]:
    server.flush()
    client = server.client()
    yield RankedSets(client, namespace="test", measures=MEASURES)
    disconnect(client)


def row(name: str, points: int, *, version: int = 1, days: int = 0) -> RankedRow:
    return RankedRow(id=name.casefold(), version=version, scores=(points, days), name=name, order=name.casefold())


def gone(name: str, version: int) -> RankedRow:
    return RankedRow(id=name.casefold(), version=version, scores=(0, 0))


def read(sets: RankedSets, *, top: int = 50, around: int = 1, own: RankedRow | None = None) -> Seen:
    seen = sets.read("one", "points", top=top, around=around, own=own)
    assert seen is not None
    return seen


def names(places: tuple[RankedEntry, ...]) -> list[str]:
    return [place.name for place in places]


def test_what_was_never_built_is_missing(sets: RankedSets) -> None:
    """A set that nobody built is not an empty one: it is said to be missing, also after something was put."""
    sets.put("one", [row("Ann", 5)])
    assert sets.read("one", "points", top=5, around=1) is None
    assert sets.build("one", lambda: [])
    assert read(sets) == Seen(0, (), (), None)


def test_equal_scores_share_a_rank_and_stand_by_name(sets: RankedSets) -> None:
    """Two seconds are both second, in order of their names, and the next is fourth; neighbours know it too."""
    rows = [row("Lou", 1), row("zoe", 5), row("Amy", 5), row("Kim", 9)]
    assert sets.build("one", lambda: rows)
    seen = read(sets, own=row("Lou", 1))
    assert [(place.rank, place.name, place.score) for place in seen.top] == [
        (1, "Kim", 9),
        (2, "Amy", 5),
        (2, "zoe", 5),
        (4, "Lou", 1),
    ]
    assert [(place.rank, place.name) for place in seen.around] == [(2, "zoe"), (4, "Lou")]
    assert seen.own == RankedEntry(4, "lou", "Lou", 1)


def test_every_measure_has_an_order_of_its_own(sets: RankedSets) -> None:
    """One put moves the entry in all of them."""
    sets.build("one", lambda: [row("Ann", 5, days=1), row("Bea", 4, days=2)])
    sets.put("one", [row("Ann", 3, days=3, version=2)])
    by_days = sets.read("one", "days", top=5, around=0)
    assert names(read(sets).top) == ["Bea", "Ann"]
    assert by_days
    assert names(by_days.top) == ["Ann", "Bea"]


def test_an_older_version_changes_nothing(sets: RankedSets) -> None:
    """Whatever arrives late is dropped: a score, a name, and an entry that was taken out meanwhile."""
    sets.build("one", lambda: [row("Ann", 5, version=7), row("Bea", 4, version=7)])
    sets.put("one", [gone("Bea", 8), row("Ann", 9, version=6), row("Bea", 9, version=7)])
    assert read(sets).top == (RankedEntry(1, "ann", "Ann", 5),)


def test_a_new_name_takes_the_place_of_the_old_one(sets: RankedSets) -> None:
    """There is one entry for each id, under the name that was put last."""
    sets.build("one", lambda: [row("Ann", 5), row("Bea", 5)])
    sets.put("one", [RankedRow("ann", 2, (5, 0), name="Zoe", order="zoe")])
    assert names(read(sets).top) == ["Bea", "Zoe"]


def test_own_scores_are_seen_where_they_are_newer(sets: RankedSets) -> None:
    """Who reads with a newer version of herself sees it, and so does the next reader; an older one does nothing."""
    sets.build("one", lambda: [row("Ann", 5), row("Bea", 4)])
    assert names(read(sets, own=row("Bea", 9, version=2)).top) == ["Bea", "Ann"]
    assert names(read(sets, own=row("Bea", 1, version=1)).top) == ["Bea", "Ann"]
    assert names(read(sets).top) == ["Bea", "Ann"]


def test_reading_adds_nobody(sets: RankedSets) -> None:
    """Who has no entry, or none any more, gets none by looking: only a put makes one."""
    sets.build("one", lambda: [row("Ann", 5)])
    sets.put("one", [gone("Bea", 2)])
    for name in ("Bea", "Cat"):
        assert read(sets, own=row(name, 9, version=3)) == Seen(1, (RankedEntry(1, "ann", "Ann", 5),), (), None)


def test_what_is_put_while_it_is_built_is_in_it(sets: RankedSets) -> None:
    """A builder who read before a change does not undo it: newer versions win, and of equal ones what was put."""

    def load() -> list[RankedRow]:
        rows = [row("Ann", 1), row("Bea", 2, version=5), row("Cat", 3), row("Dot", 4)]
        sets.put("one", [row("Ann", 10, version=2), row("Bea", 20, version=4), row("Cat", 30), gone("Dot", 2)])
        return rows

    assert sets.build("one", load)
    assert [(place.name, place.score) for place in read(sets).top] == [("Cat", 30), ("Ann", 10), ("Bea", 2)]


def test_one_builds_and_the_others_wait(server: ValkeyProcess, sets: RankedSets) -> None:
    """Of many who find it missing, in two processes, one loads; all of them find it built."""
    loads, built, go = [], [], threading.Barrier(6)
    other = RankedSets(server.client(), namespace="test", measures=MEASURES)

    def load() -> list[RankedRow]:
        loads.append(1)
        return [row("Ann", 5)]

    def build(of: RankedSets) -> None:
        go.wait(60)
        built.append(of.build("one", load))

    threads = [threading.Thread(target=build, args=(each,)) for each in (sets, other) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(loads), built) == (1, [True] * 6)


def test_who_has_little_time_does_not_wait_for_the_builder(
    server: ValkeyProcess, sets: RankedSets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader whose deadline ends sooner than the builder gives up in time to look elsewhere."""
    monkeypatch.setattr("backend.kit.redis.ranked_sets.WAIT_SECONDS", 120.0)
    other = RankedSets(server.client(), namespace="test", measures=MEASURES)

    def load() -> list[RankedRow]:
        began = time.monotonic()
        with deadline.within(0.5), suppress(SetsAway):
            assert not other.build("one", list)
        assert time.monotonic() - began < 60
        return [row("Ann", 1)]

    assert sets.build("one", load)


def test_a_builder_who_lost_its_turn_writes_nothing(server: ValkeyProcess, sets: RankedSets) -> None:
    """Flushed in the middle, the set is built by somebody else from newer data; the first one's is thrown away."""

    def load() -> list[RankedRow]:
        server.flush()
        assert sets.build("one", lambda: [row("Ann", 9, version=2)])
        return [row("Ann", 1)]

    assert not sets.build("one", load)
    assert read(sets).top == (RankedEntry(1, "ann", "Ann", 9),)


def test_a_failed_builder_lets_the_next_one_build(sets: RankedSets) -> None:
    """The error reaches who asked; the next one need not wait for the first one's time to run out."""

    def fail() -> list[RankedRow]:
        raise LookupError

    with pytest.raises(LookupError):
        sets.build("one", fail)
    assert sets.build("one", lambda: [row("Ann", 1)])


@pytest.mark.parametrize("part", ["entries", "by:points", "by:days"])
def test_a_set_that_lost_a_part_is_missing(server: ValkeyProcess, sets: RankedSets, part: str) -> None:
    """Whichever of its keys was evicted, nobody is answered from the rest."""
    sets.build("one", lambda: [row("Ann", 5)])
    server.client().delete(f"{{test:ranked:one}}:{part}")
    assert sets.read("one", "points", top=5, around=1) is None
    assert sets.build("one", lambda: [row("Ann", 5)])
    assert read(sets).size == 1


def test_a_set_is_missing_after_a_restart(tmp_path: Path) -> None:
    """A server that comes back with what it saved earlier may have lost changes: it is not believed."""
    server = ValkeyProcess(tmp_path)
    try:
        sets = RankedSets(server.client(), namespace="test", measures=MEASURES)
        sets.build("one", lambda: [row("Ann", 5)])
        server.client().save()
        server.kill()
        with pytest.raises(SetsAway):
            sets.put("one", [row("Ann", 6, version=2)])
        server.start()
        assert server.client().exists("{test:ranked:one}:entries")
        assert eventually(lambda: _is_missing(sets))
    finally:
        server.stop()


def _is_missing(sets: RankedSets) -> bool:
    try:
        return sets.read("one", "points", top=5, around=1) is None
    except SetsAway:  # for a second after the failure nobody tries
        return False


entries = st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=8)
NAMES: dict[str, str] = dict(zip("abcdefgh", ["Zoe", "zoe", "Ärla", "Amy", "amy b", "आशा", "A", "🙂"], strict=True))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=entries, then=entries, own=st.sampled_from("abcdefgh"), around=st.integers(0, 3), top=st.integers(0, 9))
def test_it_is_what_sorting_gives(
    server: ValkeyProcess,
    sets: RankedSets,
    first: dict[str, tuple[int, int]],
    then: dict[str, tuple[int, int]],
    own: str,
    around: int,
    top: int,
) -> None:
    """For any names and scores, ranks, order and neighbours are those of a sorted list."""
    server.flush()
    assert sets.build("one", lambda: [_of(each, 1, scores) for each, scores in first.items()])
    sets.put("one", [_of(each, 2, scores) for each, scores in then.items()])
    now = first | then
    ordered = sorted(now, key=lambda each: (-now[each][0], NAMES[each].casefold(), each))
    better = {each: sum(scores[0] > now[each][0] for scores in now.values()) for each in now}
    places = [RankedEntry(1 + better[each], each, NAMES[each], now[each][0]) for each in ordered]
    at = ordered.index(own) if own in now else None
    mine = () if at is None else tuple(places[max(0, at - around) : at + around + 1])
    seen = read(sets, top=top, around=around, own=_of(own, 0, (0, 0)))
    assert seen == Seen(len(now), tuple(places[:top]), mine, None if at is None else places[at])


def _of(each: str, version: int, scores: tuple[int, int]) -> RankedRow:
    return RankedRow(each, version, scores, name=NAMES[each], order=NAMES[each].casefold())
