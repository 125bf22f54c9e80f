"""A cluster is driven from end to end; what was found is told and kept."""

from collections.abc import Callable, Iterator
from pathlib import Path

from system_tests.cluster import browser, cross_process, restarts, results
from system_tests.cluster.cluster import Cluster
from system_tests.cluster.results import Finding

TRIALS: tuple[Callable[[Cluster], Finding], ...] = (
    browser.session_survives,
    cross_process.heard_elsewhere,
    cross_process.forgotten_elsewhere,
    cross_process.limit_shared,
    restarts.one_projector,
    restarts.rolling_restart,
    restarts.blue_green,
)
SETTINGS = {
    "RATE_LIMIT_USER": "1000000/hour",
    "RATE_LIMIT_ANONYMOUS": f"{cross_process.ALLOWED}/hour",
    "RATE_LIMIT_BURST": "1000/second",
    "RATE_LIMIT_ADAPTIVE": "false",
}


def tried(folder: Path, report: Callable[[str], None], *, only: str = "", keep: bool = True) -> bool:
    """Whether all is as promised. Without `only`, what was found is written to docs/reliability.md."""
    found = []
    with Cluster(folder, settings=SETTINGS, report=report) as cluster:
        report(f"A cluster at {cluster.url}; logs in {cluster.folder}.")
        for finding in _each(cluster, only):
            found.append(finding)
            report(f"{'ok  ' if finding.holds else 'FAIL'} {finding.tried}: {finding.found}")
    if keep and not only:
        results.write(found)
    return all(each.holds for each in found)


def _each(cluster: Cluster, only: str) -> Iterator[Finding]:
    for trial in TRIALS:
        if only in trial.__name__:
            try:
                yield trial(cluster)
            except Exception as error:  # noqa: BLE001 - whatever ends one trial is its finding, and the next goes on
                yield Finding(str(trial.__doc__), repr(error)[:300], holds=False)
                cluster.mend()
