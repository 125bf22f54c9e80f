"""MongoDB's primary is lost under people who save: every acknowledged save is there, none twice, and saving goes on."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo import WriteConcern
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from backend.bootstrap import build
from backend.config import Settings
from backend.kit.embedded import Servers
from backend.kit.mongo.client import new_id
from backend.kit.mongo.guarded_client import PRIMARY
from system_tests.cluster.mongo_set import Member, MongoSet
from system_tests.cluster.ports import free_port
from system_tests.faults.proxy import Proxy
from tests.operations.test_replica_lag import is_locked
from tests.reliability.savers import is_saver
from tests.reliability.trial import LONG_FORM, Trials, TrialSchool, opening
from tests.statistics.builders import running
from tests.waiting import until

PATIENCE_MILLISECONDS = 20_000


class Stage:
    """A set of three whose members are known by proxies, with what may happen to its primary."""

    def __init__(self, folder: Path) -> None:
        self._proxies: dict[int, Proxy] = {}
        self.mongo_set = MongoSet(folder, advertised=self._proxied)

    def close(self) -> None:
        self.mongo_set.stop()
        for proxy in self._proxies.values():
            proxy.close()

    @contextmanager
    def killed(self) -> Iterator[None]:
        primary = self._settled()
        primary.kill()
        yield
        primary.start()
        self.mongo_set.await_whole()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        primary = self._settled()
        primary.freeze()
        yield
        primary.thaw()
        self.mongo_set.await_whole()

    @contextmanager
    def not_reached(self) -> Iterator[None]:
        """Nothing reaches it, and its answers reach nobody; what it asks of the others is answered."""
        primary = self._settled()
        self._proxies[primary.port].silence()
        yield
        self._proxies[primary.port].heal()
        self.mongo_set.await_whole()

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """First the other members are gone for it, then everybody: it gives up leading by itself, and later takes back
        what it did meanwhile. What was on the way arrives in the end, late.
        """
        primary = self._settled()
        with primary.client(milliseconds=PATIENCE_MILLISECONDS) as client:
            words = client["alone"]["words"]
            words.find_one()
            self._part(primary)
            word = acknowledged_by_one(words)
        self._proxies[primary.port].silence()
        yield
        until(lambda: not primary.hello().get("isWritablePrimary"))
        assert knows(primary, word)
        assert term(primary) < term(self.mongo_set.await_primary()), "it heard of its successor"
        for proxy in self._proxies.values():
            proxy.heal()
        until(lambda: knows(primary, word) is False)
        self.mongo_set.await_whole()
        assert [knows(member, word) for member in self.mongo_set.members] == [False] * 3

    def _part(self, one: Member) -> None:
        """Let nothing pass between this member and the others; clients reach all of them."""
        others = [member for member in self.mongo_set.members if member is not one]
        self._proxies[one.port].silence(*(other.pid for other in others if other.pid))
        for other in others:
            self._proxies[other.port].silence(*([one.pid] if one.pid else []))

    @contextmanager
    def restarted(self) -> Iterator[None]:
        primary = self._settled()
        primary.stop()
        primary.start()
        yield
        self.mongo_set.await_whole()

    @contextmanager
    def disconnected(self) -> Iterator[None]:
        """Every connection to the primary breaks at once, in the middle of whatever it carried."""
        self._proxies[self._settled().port].reset()
        yield

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """From some saver's commit on, what this process asks of the primary is done, and no answer comes back."""
        proxy = self._proxies[self._settled().port]
        is_cut, commit = threading.Event(), ClientSession.commit_transaction

        def commit_unheard(session: ClientSession) -> None:
            if is_saver() and not is_cut.is_set():
                proxy.lose_answers(os.getpid())
                is_cut.set()
            commit(session)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ClientSession, "commit_transaction", commit_unheard)
            until(is_cut.is_set)
        yield
        proxy.heal()
        self.mongo_set.await_whole()

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """The primary answers whoever asks how it is, and writes nothing, as on a disk that hangs."""
        with self._settled().client(milliseconds=PATIENCE_MILLISECONDS) as client:
            until(lambda: is_locked(client))
            try:
                yield
            finally:
                client.admin.command("fsyncUnlock")
        self.mongo_set.await_whole()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Two of three are gone: nobody can lead."""
        self.mongo_set.await_whole()
        gone = self.mongo_set.secondaries()
        for member in gone:
            member.kill()
        yield
        for member in gone:
            member.start()
        self.mongo_set.await_whole()

    def _settled(self) -> Member:
        """Who leads, once each of the others follows somebody: one that still looks for whom to follow asks its
        candidate for half a minute, which no setting shortens, and is missing for a majority meanwhile."""
        until(lambda: all(follows(each) for each in self.mongo_set.secondaries()))
        return self.mongo_set.await_whole()

    def _proxied(self, port: int) -> int:
        known_by = free_port()
        self._proxies[port] = Proxy(known_by, port)
        return known_by


def follows(member: Member) -> bool:
    """Whether this member copies from another one by now."""
    with member.client() as client, suppress(PyMongoError):
        return bool(client.admin.command("replSetGetStatus")["syncSourceHost"])
    return False


def acknowledged_by_one(words: Collection[dict[str, Any]]) -> str:
    """Write to a primary that nobody hears: it says yes for itself, and no to who wants a majority's yes. The name of
    what was written."""
    word = new_id()
    words.with_options(write_concern=WriteConcern(w=1)).insert_one({"_id": word})
    with pytest.raises(PyMongoError):
        words.with_options(write_concern=WriteConcern("majority", wtimeout=500)).insert_one({})
    return word


def term(member: Member) -> int:
    """The number of the newest election that this member has heard of."""
    with member.client(milliseconds=PATIENCE_MILLISECONDS) as client:
        return int(client.admin.command("replSetGetStatus")["term"])


def knows(member: Member, word: str) -> bool | None:
    """Whether this member itself has what was written; None where it does not say, as while it takes something back."""
    try:
        with member.client() as client:
            return client["alone"]["words"].find_one({"_id": word}) is not None
    except PyMongoError:
        return None


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    built = Stage(tmp_path_factory.mktemp("set"))
    yield built
    built.close()


@pytest.fixture(scope="module")
def ground(stage: Stage, servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrialSchool]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        mongodb_uri=SecretStr(stage.mongo_set.uri),
        redis_url=SecretStr(str(servers.redis_url)),
        mongodb_database="failover",
    )
    backend = build(settings)
    try:
        with running(backend.projector):
            yield TrialSchool(backend)
    finally:
        backend.close()


CUT_OFF = "primary cut off (nothing passes from or to it, nothing is refused)"
NOT_REACHED = "primary not reached (nothing arrives at it, what it asks is answered)"
DISCONNECTED = "all connections to the primary broken"
FAULTS: dict[str, Callable[[Stage], AbstractContextManager[None]]] = {
    "primary killed (kill -9)": Stage.killed,
    "primary frozen (SIGSTOP)": Stage.frozen,
    CUT_OFF: Stage.cut_off,
    NOT_REACHED: Stage.not_reached,
    "primary restarted (SIGTERM)": Stage.restarted,
    DISCONNECTED: Stage.disconnected,
}


@pytest.mark.parametrize("name", FAULTS)
def test_nothing_is_lost_with_a_primary(stage: Stage, ground: TrialSchool, trials: Trials, name: str) -> None:
    """Sixteen save while it happens: all that was acknowledged is there once, all sums agree, all of them go on."""
    if name in {NOT_REACHED, DISCONNECTED} and not trials.is_long:
        pytest.skip(LONG_FORM)
    trials.run(ground, name, lambda: FAULTS[name](stage))


def test_without_a_majority_everybody_is_refused_and_nothing_is_lost(
    stage: Stage, ground: TrialSchool, trials: Trials
) -> None:
    """Two of three gone: saves are refused in a sentence, and go on, by the same keys, once one of them is back."""
    if not trials.is_long:
        pytest.skip(LONG_FORM)
    breaker = ground.backend.mongo.breakers[PRIMARY]
    trials.run(ground, "two of three members killed", opening(breaker, stage.alone), saving_goes_on=False)


def test_a_primary_that_hangs_keeps_nobody(stage: Stage, ground: TrialSchool, trials: Trials) -> None:
    """No election helps, for it says that it is well: everybody is refused once her time is over, and goes on later."""
    if not trials.is_long:
        pytest.skip(LONG_FORM)
    trials.run(ground, "primary answers and writes nothing (fsyncLock)", stage.stalled, saving_goes_on=False)


def test_what_was_saved_unheard_is_not_saved_again(stage: Stage, ground: TrialSchool, trials: Trials) -> None:
    """The primary's answers are lost: everybody is told no, some of whose saves are done; by the same keys they are
    acknowledged afterwards, and count once."""
    if not trials.is_long:
        pytest.skip(LONG_FORM)
    figure = trials.run(ground, "the primary's answers lost", stage.unheard, saving_goes_on=False)
    assert figure.unclear
