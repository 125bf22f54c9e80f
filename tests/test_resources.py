"""What a process holds: it neither grows with sign-ins nor stays behind after closing."""

import threading
from time import monotonic, sleep

from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.kit.clock import SetClock
from tests.school import PASSWORD, School

BESIDE = 5  # what the driver, the cache and the monitors may begin meanwhile, where the machine is slow


def test_a_closed_backend_leaves_no_thread_and_no_connection(
    backend: Backend, settings: Settings, clock: SetClock
) -> None:
    """After three backends were built, used and closed, there are as many threads and connections as before."""
    threads, connections = set(threading.enumerate()), _connections(backend)
    for _each in range(3):
        another = build(settings, clock=clock)
        another.overview.facets()
        another.operations.status()
        another.close()
    deadline = monotonic() + 10
    while _left(backend, threads) > connections and monotonic() < deadline:
        sleep(0.05)
    assert _left(backend, threads) <= connections


def test_signing_in_holds_nothing(backend: Backend, school: School) -> None:
    """Twenty sign-ins one after another leave no thread and no connection each: at most the few of other work."""
    teacher = school.teacher(school.admin())
    school.viewer(backend.sign_in.authenticate(teacher.email, PASSWORD))
    threads, connections = threading.active_count(), _connections(backend)
    for _each in range(20):
        school.viewer(backend.sign_in.authenticate(teacher.email, PASSWORD))
    assert threading.active_count() <= threads + BESIDE
    assert _connections(backend) <= connections + BESIDE


def _left(backend: Backend, threads: set[threading.Thread]) -> int:
    """Connections now, and as many again as there are threads that were not there before."""
    return _connections(backend) + len(set(threading.enumerate()) - threads)


def _connections(backend: Backend) -> int:
    """To MongoDB and Redis together, as the servers count them."""
    mongodb = backend.mongo.client.admin.command("serverStatus")["connections"]["current"]
    return int(mongodb) + len(backend.redis_client.client_list())
