"""The alert rules as Prometheus' own promtool plays them: each fires for its figures, in its time, and alone."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.test_monitoring import ALERTS, rules

PROMTOOL = shutil.which("promtool")
APP, LONG = "chapter_performance_", 400
Series = dict[str, str]

WEB = {'info{role="web",instance="a"}': f"1x{LONG}"}
WORKER = {'info{role="worker",instance="w"}': f"1x{LONG}"}
THERE = WEB | WORKER


def slow(kind: str, within: str, labels: str = "") -> Series:
    """A histogram in which everything takes longer than `within` seconds, sixty times a minute."""
    name, rising = f"{kind}_bucket", f"0+60x{LONG}"
    return {f'{name}{{{labels}le="{within}"}}': f"0x{LONG}", f'{name}{{{labels}le="60"}}': rising,
            f'{name}{{{labels}le="+Inf"}}': rising}  # fmt: skip


def fails(kind: str, labels: str = "") -> Series:
    """Ten of a hundred."""
    return {f"{kind}_failed_total{{{labels}}}": f"0+6x{LONG}", f"{kind}_seconds_count{{{labels}}}": f"0+60x{LONG}"}


# Of each alert: what processes tell by minutes (without the prefix of names), and the minute by which it fires.
CASES: dict[str, tuple[Series, int]] = {
    "NobodyServes": (WORKER, 4),
    "ProcessDown": (THERE | {'up{job="chapter-performance",instance="b"}': "0x60"}, 4),
    "WorkerMissing": (WEB, 7),
    "HealthCritical": (THERE | {'check_state{check="mongodb"}': "5x60"}, 3),
    "HealthError": (THERE | {'check_state{check="indexes"}': "4x60"}, 7),
    "RequestsFail": (THERE | fails("request", 'route="GET /chapters"'), 12),
    "RequestsSlow": (THERE | slow("request_seconds", "1"), 20),
    "PagesSlow": (THERE | slow("script_run_seconds", "3"), 20),
    "LoopBlocked": (THERE | {'event_loop_delay_seconds{instance="a"}': "0.8x60"}, 7),
    "BreakerOpen": (THERE | {'breaker_state{breaker="redis"}': "2 1 1 2 1 2 2 1 1 1"}, 3),
    "DatabaseFails": (THERE | fails("database_command", 'command="find users"'), 12),
    "DatabaseSlow": (THERE | slow("database_command_seconds", "0.25"), 20),
    "PoolExhausted": (THERE | slow("pool_wait_seconds", "0.1", 'pool="mongodb",'), 12),
    "ReplicaBehind": (THERE | {"replica_lag_seconds": "45x60"}, 7),
    "OplogShort": (THERE | {"oplog_window_seconds": "40000x60"}, 17),
    "ClockSkewed": (THERE | {"clock_skew_seconds": "-9x60"}, 12),
    "StatisticsBehind": (THERE | {"projector_lag_seconds": "90x60"}, 7),
    "JobFails": (THERE | {'job_failed_total{task="backup"}': "_ _ _ 1x60"}, 4),
    "MailFails": (THERE | {'mail_failed_total{kind="backups"}': "_ _ _ 8x60"}, 15),
    "MailWaits": (THERE | {"mail_queued": "200x60"}, 32),
    "BackupOld": (THERE | {"backup_age_seconds": "120000x60"}, 17),
    "BackupsDoubtful": (THERE | {'check_state{check="backups"}': "3x60"}, 32),
    "AuditBroken": (THERE | {'check_state{check="audit"}': "4x60"}, 1),
    "DiskLow": (THERE | {'disk_free_bytes{instance="a"}': "1000000000x60"}, 12),
    "DiskFills": (THERE | {'disk_free_bytes{instance="a"}': "500000000000-1000000000x60"}, 40),
    "MemoryGrows": (THERE | {'memory_growth_bytes_per_hour{instance="a"}': f"30000000x{LONG}"}, 122),
    "MachineMemoryLow": (THERE | {'machine_memory_available_bytes{instance="a"}': "100000000x60"}, 12),
    "CertificateEnds": (THERE | {"certificate_remaining_seconds": "864000x90"}, 62),
    "CacheAway": (THERE | {'cache_local_healthy{instance="a"}': "0x60"}, 7),
    "LimitsApart": (THERE | {'limiter_shared{instance="a"}': "0x60"}, 12),
    "ManyRefused": (
        THERE | {f'limiter_decisions_total{{outcome="{each}"}}': "0+10x60" for each in ("refused", "allowed")},
        30,
    ),
}

WELL = THERE | {
    'up{job="chapter-performance",instance="a"}': f"1x{LONG}",
    'check_state{check="mongodb"}': f"2x{LONG}",
    'check_state{check="audit"}': f"0x{LONG}",
    'request_failed_total{route="GET /chapters"}': f"0x{LONG}",
    'request_seconds_count{route="GET /chapters"}': f"0+60x{LONG}",
    'breaker_state{breaker="redis"}': f"0x{LONG}",
    'job_failed_total{task="backup"}': f"3x{LONG}",  # of days ago
    'mail_failed_total{kind="backups"}': f"9x{LONG}",
    "projector_lag_seconds": f"1x{LONG}",
    "mail_queued": f"3x{LONG}",
    "backup_age_seconds": f"80000x{LONG}",
    'disk_free_bytes{instance="a"}': f"500000000000-1000000x{LONG}",
    'memory_growth_bytes_per_hour{instance="a"}': f"1000000x{LONG}",
    "certificate_remaining_seconds": f"5000000x{LONG}",
    'cache_local_healthy{instance="a"}': f"1x{LONG}",
    'limiter_shared{instance="a"}': f"1x{LONG}",
}


def played(series: Series, *wanted: tuple[int, str, set[str]]) -> dict[str, Any]:
    """A group of promtool: at each minute, of the alerts that match, those fire and no others."""
    tests = [
        {
            "expr": f'count by (alertname) (ALERTS{{alertstate="firing",alertname=~"{which}"}})',
            "eval_time": f"{minute}m",
            "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(names)],
        }
        for minute, which, names in wanted
    ]
    told = [
        {"series": name if name.startswith("up{") else APP + name, "values": values} for name, values in series.items()
    ]
    return {"interval": "1m", "input_series": told, "promql_expr_test": tests}


def minutes_of(alert: str) -> int:
    """For how long it must hold."""
    (length,) = (rule["for"] for rule in rules() if rule["alert"] == alert)
    found = re.fullmatch(r"(\d+)([mh])", length)
    assert found
    return int(found[1]) * (60 if found[2] == "h" else 1)


def play(folder: Path, groups: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    """What promtool says of them."""
    (folder / "alerts.yml").write_text(ALERTS.read_text())
    (folder / "play.yml").write_text(json.dumps({"rule_files": ["alerts.yml"], "tests": groups}))
    words = [str(PROMTOOL), "test", "rules", "play.yml"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def test_every_alert_is_played() -> None:
    """No alert has never been seen to fire."""
    assert list(CASES) == [rule["alert"] for rule in rules()]


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not here (Debian: apt-get install prometheus)")
def test_each_fires_for_its_figures_and_alone(tmp_path: Path) -> None:
    """Each alert fires by its minute, no other does, and it is silent as long as its time is not over."""
    groups = [
        played(series, (max(0, minutes_of(alert) - 1), alert, set()), (minute, ".*", {alert}))
        if minutes_of(alert)
        else played(series, (minute, ".*", {alert}))
        for alert, (series, minute) in CASES.items()
    ]
    ended = play(tmp_path, groups)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not here (Debian: apt-get install prometheus)")
def test_a_healthy_school_wakes_nobody(tmp_path: Path) -> None:
    """With everything in place nothing fires for hours, failures of days ago included; a job's failure is told for an
    hour, not for ever."""
    once = THERE | {'job_failed_total{task="backup"}': f"_ _ _ 1x{LONG}"}
    well = played(WELL, *((minute, ".*", set()) for minute in (65, 130, 390)))
    ended = play(tmp_path, [well, played(once, (60, ".*", {"JobFails"}), (66, ".*", set()))])
    assert ended.returncode == 0, ended.stdout + ended.stderr
