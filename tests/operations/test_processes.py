"""Real processes beside each other: who is there, who left, who was killed; and what each of them logs."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.config import Settings
from backend.operations.models import Instance
from backend.operations.vital_queries import ALIVE_SECONDS
from system_tests.cluster.ports import free_port
from tests.journeys.running import OWN_SETTINGS
from tests.school import PASSWORD, School
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {"web": ["app.py"], "api": ["-m", "backend.api_server"], "worker": ["-m", "backend.worker"]}
TOKEN = "a token for monitors"


@dataclass(frozen=True)
class Process:
    """One process of the app: where it answers, and what it wrote."""

    role: str
    port: int
    popen: subprocess.Popen[bytes]
    file: Path

    def lines(self) -> list[dict[str, Any]]:
        """What it logged so far; what it says to the person at the terminal is left out."""
        return [json.loads(line) for line in self.file.read_text().splitlines() if line.startswith("{")]


@pytest.fixture
def processes(backend: Backend, settings: Settings) -> Iterator[Mapping[str, Process]]:
    """A web process, an API process and a worker on the database of this test, all of them there."""
    started = {role: start(role, settings) for role in COMMANDS}
    try:
        until(lambda: roles(backend) == set(COMMANDS))
        yield started
    finally:
        for each in started.values():
            each.popen.kill()
            each.popen.wait(60)


def start(role: str, settings: Settings) -> Process:
    """A process as one types it, with these settings and no others."""
    assert settings.mongodb_uri and settings.redis_url
    port, file = free_port(), settings.data_dir / f"{role}.log"
    kept = {name: value for name, value in os.environ.items() if name.lower() not in OWN_SETTINGS}
    own = {
        "PORT": str(port),
        "WORKER_PORT": str(port),
        "METRICS_TOKEN": TOKEN,
        "DATA_DIR": str(settings.data_dir / role),
        "JWT_SECRET": "0123456789abcdefghijklmnopqrstuvwxyz",
        "MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "MONGODB_DATABASE": settings.mongodb_database,
        "REDIS_URL": settings.redis_url.get_secret_value(),
    }
    with file.open("wb") as said:
        popen = subprocess.Popen([sys.executable, *COMMANDS[role]], cwd=ROOT, env=kept | own, stdout=said, stderr=said)
    return Process(role, port, popen, file)


def present(backend: Backend) -> tuple[Instance, ...]:
    """Who is there, as the health page shows it."""
    return backend.heartbeat.everyone()


def roles(backend: Backend) -> set[str]:
    """Of those that are alive."""
    return {each.role for each in present(backend) if each.is_alive}


def answer(process: Process, path: str, *, token: str = "", **body: str) -> tuple[str, dict[str, str]]:
    """The body and the headers of an answer; "" where nobody answers."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body:
        headers["Content-Type"] = "application/json"
    address = f"http://127.0.0.1:{process.port}{path}"
    request = urllib.request.Request(address, json.dumps(body).encode() if body else None, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as got:  # noqa: S310  (own process)
            return got.read().decode(), dict(got.headers)
    except (URLError, OSError):
        return "", {}


def test_processes_come_and_go(backend: Backend, school: School, processes: Mapping[str, Process]) -> None:
    """Each is on the health page with its role and host; one that stops leaves at once, one killed within 15 s and is
    told of; a worker answers monitors at its own port; and their logs say who and which request."""
    admin = school.admin()
    check_logs(admin, processes)
    by_role = {each.role: each for each in present(backend)}
    assert {role: each.pid for role, each in by_role.items()} == {
        role: each.popen.pid for role, each in processes.items()
    }
    assert all(each.memory_bytes > 10_000_000 and each.threads > 1 and each.host for each in by_role.values())
    worker, api = processes["worker"], processes["api"]
    assert answer(worker, "/health/live")[0] == "lives\n"  # at once: it says that it is there when its door is open
    until(lambda: "_info{role=" in answer(worker, "/metrics", token=TOKEN)[0])
    assert answer(worker, "/metrics", token="another")[0] == ""
    api.popen.send_signal(signal.SIGTERM)
    api.popen.wait(120)
    assert not any(each.role == "api" for each in present(backend))
    worker.popen.kill()
    until(lambda: roles(backend) == {"web"}, seconds=ALIVE_SECONDS + 30)
    lost = next(each for each in present(backend) if each.role == "worker")
    assert (lost.is_alive, lost.pid) == (False, worker.popen.pid)

    def is_told() -> bool:
        checks = {each.name: each for each in backend.operations.health(admin).checks}
        return checks["instances"].state == "warning" and str(worker.popen.pid) in checks["instances"].detail

    until(is_told)


def check_logs(admin: Viewer, processes: Mapping[str, Process]) -> None:
    """Lines are JSON with role and instance; those of a request carry its id and the caller's id, and nothing that is
    logged anywhere names a person or her address; a job's lines carry the run's id."""
    for role in ("web", "api"):
        process = processes[role]
        until(partial(is_serving, process))
        token = signed_in(process)
        line = refused(process, token)
        assert (line["viewer_id"], line["role"]) == (admin.id, role)
        assert line["request_id"]
        assert line["instance"]
    ended = logged(processes["worker"], "job_ended")
    assert ended["request_id"] == ended["run"]
    follow(processes)
    for each in processes.values():
        everything = each.file.read_text()
        assert not any(name in everything for name in ("Asha", "example.org", PASSWORD))


def follow(processes: Mapping[str, Process]) -> None:
    """The id of a request stands in its answer, in the log of the process that took it, and in that of the process
    that does the job it asked for."""
    api = processes["api"]
    said, headers = answer(api, "/api/v1/admin/jobs/retention/run", token=signed_in(api), nothing="")
    asked = {name.lower(): value for name, value in headers.items()}["x-request-id"] if said else ""
    assert logged(api, "request", request_id=asked)["status"] == 202
    lines: list[dict[str, Any]] = []

    def is_done() -> bool:
        workers = (processes["worker"], processes["web"])
        lines[:] = [line for each in workers for line in each.lines() if line.get("asked_by") == asked]
        return any(line["event"] == "job_ended" for line in lines)

    until(is_done)
    assert {line["job"] for line in lines} == {"retention"}


def is_serving(process: Process) -> bool:
    return answer(process, "/api/v1/health/live")[0] != ""


def signed_in(process: Process) -> str:
    """A token of the administrator; a process that has just begun may say for a while that it cannot."""
    tokens: list[str] = []

    def is_let_in() -> bool:
        said, _headers = answer(process, "/api/v1/auth/login", email="admin@example.org", password=PASSWORD)
        tokens[:] = [json.loads(said)["data"]["accessToken"]] if said else []
        return bool(tokens)

    until(is_let_in)
    return tokens[0]


def refused(process: Process, token: str) -> dict[str, Any]:
    """The line of a request for a job that does not exist; asked again where the answer was that of a busy machine."""
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        answer(process, "/api/v1/admin/jobs/none/run", token=token, nothing="")
        wanted = {"event": "request", "route": "POST /admin/jobs/{name}/run", "status": 404}
        found[:] = [each for each in process.lines() if wanted.items() <= each.items()]
        return bool(found)

    until(is_there)
    return found[0]


def logged(process: Process, event: str, **facts: str) -> dict[str, Any]:
    """The first line of this event with these facts, once it is there."""
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        found[:] = [each for each in process.lines() if each["event"] == event and facts.items() <= each.items()]
        return bool(found)

    until(is_there)
    return found[0]
