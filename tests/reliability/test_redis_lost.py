"""Redis is soft: whatever happens to it under people who save, nobody is refused and everything kept stays true."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import product
from pathlib import Path

import pytest
import redis
from msgspec.structs import replace
from pydantic import SecretStr

from backend.accounts.models import Viewer
from backend.boards.models import EVERYONE, MEASURES, PERIODS, Board
from backend.bootstrap import build
from backend.config import Settings
from backend.errors import NotSignedIn
from backend.kit.embedded import Servers
from backend.kit.redis.client import breaker_of
from tests.boards.builders import boards_of, joined
from tests.kit.redis.valkey_nodes import ValkeyNodes
from tests.kit.redis.valkey_process import ValkeyProcess
from tests.reliability.savers import people
from tests.reliability.trial import Trials, TrialSchool, opening
from tests.school import NOON, School
from tests.statistics.builders import running
from tests.waiting import until

PARTICIPANTS = 2  # of the board; the others only save


@contextmanager
def school_on(servers: Servers, redis_url: str, folder: Path) -> Iterator[TrialSchool]:
    """A school on the shared MongoDB and on this Redis, some of whose students are on the leaderboard."""
    settings = Settings(
        data_dir=folder,
        mongodb_uri=SecretStr(str(servers.mongodb_uri)),
        redis_url=SecretStr(redis_url),
        mongodb_database=f"reliability_{folder.name}",
    )
    backend = build(settings)
    try:
        school = School(backend)
        classroom = school.classroom(school.teacher(school.admin()))
        known = [joined(backend, school.student(classroom), f"Learner {number}") for number in range(PARTICIPANTS)]
        with running(backend.projector):
            yield TrialSchool(backend, [*known, *people()[PARTICIPANTS:]])
        backend.mongo.client.drop_database(settings.mongodb_database)
    finally:
        backend.close()


@pytest.fixture(scope="module")
def lasting_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    process = ValkeyProcess(tmp_path_factory.mktemp("valkey"))
    yield process
    process.stop()


@pytest.fixture(scope="module")
def ground(
    lasting_valkey: ValkeyProcess, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TrialSchool]:
    with school_on(servers, lasting_valkey.url, tmp_path_factory.mktemp("school")) as made:
        yield made


@contextmanager
def killed(valkey: ValkeyProcess) -> Iterator[None]:
    valkey.kill()
    yield
    valkey.start()


@contextmanager
def frozen(valkey: ValkeyProcess) -> Iterator[None]:
    valkey.freeze()
    yield
    valkey.thaw()


@contextmanager
def flushed(valkey: ValkeyProcess) -> Iterator[None]:
    valkey.flush()
    yield
    valkey.flush()


@contextmanager
def full(valkey: ValkeyProcess) -> Iterator[None]:
    """It refuses whatever needs memory, and forgets nothing to make room."""
    with closing(redis.Redis(unix_socket_path=str(valkey.socket))) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        with pytest.raises(redis.OutOfMemoryError):
            client.set("more", "")
        yield
        client.config_set("maxmemory", "0")


FAULTS: dict[str, Callable[[ValkeyProcess], AbstractContextManager[None]]] = {
    "Valkey killed (kill -9) and started again, empty": killed,
    "Valkey frozen (SIGSTOP)": frozen,
    "Valkey flushed": flushed,
    "Valkey out of memory (noeviction)": full,
}


AWAY = {"Valkey killed (kill -9) and started again, empty", "Valkey frozen (SIGSTOP)"}


@pytest.mark.parametrize("name", FAULTS)
def test_nobody_is_refused_for_want_of_redis(
    lasting_valkey: ValkeyProcess, ground: TrialSchool, trials: Trials, name: str
) -> None:
    """Sixteen save while it happens, and none is refused; then boards are again those of the database, the sessions
    that were ended stay ended, and the others go on."""
    school = School(ground.backend)
    gone, here = session_of(school, ground.students[0]), session_of(school, ground.students[0])
    ground.backend.accounts.sign_out(ground.backend.sign_in.viewer(gone))
    breaker = breaker_of(ground.backend.redis_client)

    def fault() -> AbstractContextManager[None]:
        return FAULTS[name](lasting_valkey)

    figure = trials.run(ground, name, opening(breaker, fault) if name in AWAY else fault)
    assert figure.refused == {}
    assert ground.backend.sign_in.viewer(here).id == ground.students[0].id
    with pytest.raises(NotSignedIn):
        ground.backend.sign_in.viewer(gone)
    until(lambda: boards(ground, is_kept=True) == boards(ground, is_kept=False))


def session_of(school: School, student: Viewer) -> str:
    """The token of a new session."""
    ticket = school.backend.sign_in.issue_ticket(school.user(student), "browser")
    return school.backend.sign_in.redeem_ticket(ticket, "browser", "test")


def boards(ground: TrialSchool, *, is_kept: bool) -> list[Board]:
    """Every board as a participant sees it, from Redis or from the database."""
    viewer, service = ground.students[0], boards_of(ground.backend, is_kept=is_kept)
    found = [
        service.board(viewer, scope, period, measure)
        for scope, period, measure in product([EVERYONE, *viewer.classroom_ids], PERIODS, MEASURES)
    ]
    return [replace(board, as_of=NOON) for board in found]


class Nodes:
    """Three masters and a replica of each, one of which may go."""

    def __init__(self, folder: Path) -> None:
        self.cluster = ValkeyNodes(folder, replicated=True)

    @contextmanager
    def one_lost(self) -> Iterator[None]:
        """A master is killed; its replica takes over, whom it follows once it is back."""
        master = next(node for node in self.cluster.nodes if said(node, "replication")["role"] == "master")
        master.kill()
        yield
        master.start()
        until(lambda: all(is_whole(node) for node in self.cluster.nodes))


def said(node: ValkeyProcess, section: str) -> dict[str, object]:
    """What a node says of itself."""
    with closing(redis.Redis(unix_socket_path=str(node.socket))) as client:
        return dict(client.info(section))


def is_whole(node: ValkeyProcess) -> bool:
    """Whether the node leads with a follower, or follows somebody who answers."""
    found = said(node, "replication")
    if found["role"] == "master":
        return found["connected_slaves"] == 1
    return found["master_link_status"] == "up"


def test_nobody_is_refused_when_a_cluster_loses_a_node(
    servers: Servers, trials: Trials, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same on a Redis Cluster of six nodes: one of its masters is killed, and its replica takes over."""
    (tmp_path / "nodes").mkdir()
    nodes = Nodes(tmp_path / "nodes")
    try:
        with school_on(servers, nodes.cluster.url, tmp_path_factory.mktemp("clustered")) as ground:
            figure = trials.run(ground, "a Redis Cluster of six nodes loses a master", nodes.one_lost)
            assert figure.refused == {}
            until(lambda: boards(ground, is_kept=True) == boards(ground, is_kept=False))
    finally:
        nodes.cluster.stop()
