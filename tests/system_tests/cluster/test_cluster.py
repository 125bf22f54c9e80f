"""Two processes with pages and nginx before them: people go on when one is lost, and what one knows both know."""

from system_tests.cluster import browser, cross_process, restarts
from system_tests.cluster.cluster import Cluster


def test_a_page_outlives_its_process(cluster: Cluster) -> None:
    """A process is killed under an open page: the page goes on at the other one, signed in, and saves there."""
    found = browser.session_survives(cluster)
    assert found.holds, found.found


def test_restarts_in_turn_fail_no_request(cluster: Cluster) -> None:
    """Each process is stopped in order and started again, under load: no request fails, no save is lost or doubled."""
    found = restarts.rolling_restart(cluster)
    assert found.holds, found.found


def test_a_save_at_one_is_heard_at_the_other(cluster: Cluster) -> None:
    """An event stream and a websocket of one process tell of a save at the other."""
    found = cross_process.heard_elsewhere(cluster, rounds=2, within_seconds=cross_process.WAIT_SECONDS)
    assert found.holds, found.found


def test_what_changed_at_one_is_forgotten_by_the_other(cluster: Cluster) -> None:
    """A class report that both have in memory shows a save at one of them."""
    found = cross_process.forgotten_elsewhere(cluster, rounds=2, within_seconds=cross_process.WAIT_SECONDS)
    assert found.holds, found.found


def test_a_limit_is_shared(cluster: Cluster) -> None:
    """Who is not signed in has one allowance, whichever process she asks."""
    found = cross_process.limit_shared(cluster)
    assert found.holds, found.found
