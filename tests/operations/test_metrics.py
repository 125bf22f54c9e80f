"""The metrics of a process: documented by name, and moved by what really happens."""

import gc
import re
import socket
import threading
from pathlib import Path

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.kit.observability.prometheus import PREFIX
from tests.school import School

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def read(backend: Backend) -> dict[str, float]:
    """Every line of the metrics by name and labels."""
    lines = backend.monitoring.written().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def documented() -> set[str]:
    """The names in the tables of docs/operations.md, section Metrics."""
    section = DOCUMENT.read_text().partition("## Metrics")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| ")]
    cells = [row[3] if row[3].count("`") > 4 and "_recent_" in row[3] else row[1] for row in rows]
    return {name for cell in cells for name in re.findall(r"`([a-z_]+)`", cell)}


def test_every_metric_is_documented(backend: Backend, school: School) -> None:
    """The names that a process gives are those that operators build on, no more and no fewer."""
    text = backend.monitoring.metrics(school.admin())
    given = set(re.findall(rf"^# TYPE {PREFIX}_(\S+) ", text, flags=re.MULTILINE))
    assert given == documented()


def test_metrics_move_with_what_happens(backend: Backend, student: Viewer) -> None:
    """A command, a read of the cache and a connection are counted; percentiles stand ready beside the buckets."""
    assert student.role == "student"
    figures = read(backend)
    find = '{command="find users"'
    assert figures[f"{PREFIX}_database_command_seconds_count{find}}}"] > 0
    half, most = (figures[f'{PREFIX}_database_command_recent_seconds{find},quantile="{at}"}}'] for at in (0.5, 0.99))
    assert 0 < half <= most
    assert figures[f'{PREFIX}_pool_connections{{pool="mongodb",state="open"}}'] >= 1
    assert figures[f'{PREFIX}_pool_connections{{pool="redis",state="open"}}'] >= 1
    assert figures[f'{PREFIX}_pool_wait_seconds_count{{pool="mongodb"}}'] > 0
    assert any(key.startswith(f"{PREFIX}_cache_reads_total") and value for key, value in figures.items())
    assert figures[f'{PREFIX}_check_state{{check="mongodb"}}'] == 0
    assert figures[f'{PREFIX}_breaker_state{{breaker="redis"}}'] == 0


def test_connections_given_back_are_not_in_use(backend: Backend) -> None:
    """Eight threads that asked at once leave no connection in use behind, in either pool."""

    def ask() -> None:
        backend.mongo.ping_by_value()
        backend.redis_client.ping()

    threads = [threading.Thread(target=ask) for _each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    figures = read(backend)
    assert figures[f'{PREFIX}_pool_connections{{pool="redis",state="in_use"}}'] == 0
    assert figures[f'{PREFIX}_pool_connections{{pool="mongodb",state="in_use"}}'] <= 1


def test_open_files_are_counted(backend: Backend) -> None:
    """A socket more is one open file more."""
    gc.collect()  # closes what earlier tests left open
    before = read(backend)[f"{PREFIX}_open_files"]
    held = [socket.socket() for _each in range(50)]
    try:
        assert read(backend)[f"{PREFIX}_open_files"] >= before + 40
    finally:
        for each in held:
            each.close()
