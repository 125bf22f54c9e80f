"""MongoDB's primary is lost under people who save: every acknowledged save is there, none twice, and saving goes on."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from backend.bootstrap import build
from backend.config import Settings
from backend.kit.embedded import Servers
from deploy.cluster.mongo_set import MongoSet, free_ports
from deploy.faults.proxy import Proxy
from tests.reliability.trial import LONG_FORM, Ground, Trials
from tests.statistics.builders import running


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
        primary = self.mongo_set.await_whole()
        primary.kill()
        yield
        primary.start()
        self.mongo_set.await_whole()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        primary = self.mongo_set.await_whole()
        primary.freeze()
        yield
        primary.thaw()
        self.mongo_set.await_whole()

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Nothing reaches it, and its answers reach nobody; what was on the way arrives in the end, late."""
        primary = self.mongo_set.await_whole()
        self._proxies[primary.port].silence()
        yield
        self._proxies[primary.port].heal()
        self.mongo_set.await_whole()

    @contextmanager
    def restarted(self) -> Iterator[None]:
        primary = self.mongo_set.await_whole()
        primary.stop()
        primary.start()
        yield
        self.mongo_set.await_whole()

    @contextmanager
    def disconnected(self) -> Iterator[None]:
        """Every connection to the primary breaks at once, in the middle of whatever it carried."""
        self._proxies[self.mongo_set.await_whole().port].reset()
        yield

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

    def _proxied(self, port: int) -> int:
        (known_by,) = free_ports(1)
        self._proxies[port] = Proxy(known_by, port)
        return known_by


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    built = Stage(tmp_path_factory.mktemp("set"))
    yield built
    built.close()


@pytest.fixture(scope="module")
def ground(stage: Stage, servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        mongodb_uri=SecretStr(stage.mongo_set.uri),
        redis_url=SecretStr(str(servers.redis_url)),
        mongodb_database="failover",
    )
    backend = build(settings)
    try:
        with running(backend.projector):
            yield Ground(backend)
    finally:
        backend.close()


DISCONNECTED = "all connections to the primary broken"
FAULTS: dict[str, Callable[[Stage], AbstractContextManager[None]]] = {
    "primary killed (kill -9)": Stage.killed,
    "primary frozen (SIGSTOP)": Stage.frozen,
    "primary cut off (nothing arrives, nothing is refused)": Stage.cut_off,
    "primary restarted (SIGTERM)": Stage.restarted,
    DISCONNECTED: Stage.disconnected,
}


@pytest.mark.parametrize("name", FAULTS)
def test_nothing_is_lost_with_a_primary(stage: Stage, ground: Ground, trials: Trials, name: str) -> None:
    """Sixteen save while it happens: all that was acknowledged is there once, all sums agree, all of them go on."""
    if name == DISCONNECTED and not trials.is_long:
        pytest.skip(LONG_FORM)
    trials.run(ground, name, lambda: FAULTS[name](stage))


def test_without_a_majority_everybody_is_refused_and_nothing_is_lost(
    stage: Stage, ground: Ground, trials: Trials
) -> None:
    """Two of three gone: saves are refused in a sentence, and go on, by the same keys, once one of them is back."""
    if not trials.is_long:
        pytest.skip(LONG_FORM)
    trials.run(ground, "two of three members killed", stage.alone, saving_goes_on=False)
