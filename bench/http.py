"""How much the product's own work costs beside a bare answer of the same bytes: the warm list of chapters."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from httpx2 import Client, TransportError

from bench import http_load, people
from bench.made import SIZES
from bench.measures import Measure, Result, Target
from bench.school import Bench, School, until

ROUNDS = 15
ROUND_SECONDS = 1.0
PATH = "/api/v1/chapters?page=1&limit=10"
GENEROUS = {
    "RATE_LIMIT_USER": "1000000000/hour",
    "RATE_LIMIT_ANONYMOUS": "1000000000/hour",
    "RATE_LIMIT_BURST": "1000000/second",
}


@dataclass(frozen=True)
class Sides:
    """Requests per second, and seconds of the server's processor for each request, by round."""

    rates: list[float]
    costs: list[float]


@dataclass(frozen=True)
class Served:
    """The process that serves both, and how to ask it."""

    process: psutil.Process
    product: str
    bare: str
    headers: tuple[str, ...]
    tag: str

    def ask(self, url: str, *more: str) -> tuple[float, float]:
        """Requests per second of one round, and the server's processor time for each."""
        before = self._busy()
        rate = http_load.requests_per_second(url, ROUND_SECONDS, (*self.headers, *more))
        return rate, (self._busy() - before) / (rate * ROUND_SECONDS)

    def _busy(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def served(school: School) -> Iterator[Served]:
    """The product on a school's data and the bare application, in one process, until the block is left."""
    settings, port, bare_port = school.settings, _free_port(), _free_port()
    assert settings.mongodb_uri and settings.redis_url  # noqa: S101 - those of the run's own servers
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "body"
        environment = (
            os.environ
            | GENEROUS
            | {
                "PORT": str(port),
                "DATA_DIR": folder,
                "MONGODB_URI": settings.mongodb_uri.get_secret_value(),
                "REDIS_URL": settings.redis_url.get_secret_value(),
                "MONGODB_DATABASE": settings.mongodb_database,
            }
        )
        command = [sys.executable, "-m", "bench.http_app", str(port), str(bare_port), str(body)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words
        try:
            with Client(base_url=f"http://127.0.0.1:{port}") as client:
                until(lambda: _is_ready(client))
                headers = {"Authorization": f"Bearer {_token(client)}"}
                first = client.get(PATH, headers=headers).raise_for_status()
            body.write_bytes(first.content)
            yield Served(
                process=psutil.Process(process.pid),
                product=f"http://127.0.0.1:{port}{PATH}",
                bare=f"http://127.0.0.1:{bare_port}/",
                headers=tuple(f"{name}: {value}" for name, value in headers.items()),
                tag=first.headers["ETag"],
            )
        finally:
            process.terminate()
            process.wait(30)


def warm(bench: Bench) -> Sequence[Result]:
    """The list of chapters, signed in, over and over; in full, and where the caller has it already."""
    with served(bench.school(SIZES["10k"])) as both:
        full, known, bare = Sides([], []), Sides([], []), Sides([], [])
        kinds = (
            (full, both.product, ()),
            (bare, both.bare, ()),
            (known, both.product, (f"If-None-Match: {both.tag}",)),
        )
        for _side, url, more in kinds:
            both.ask(url, *more)
        for turn in range(ROUNDS):
            for side, url, more in kinds if turn % 2 == 0 else reversed(kinds):
                rate, cost = both.ask(url, *more)
                side.rates.append(rate)
                side.costs.append(cost)
    return [_compared("in full", full, bare), _compared("304", known, bare)]


def _compared(part: str, ours: Sides, bare: Sides) -> Result:
    by_rate = median(mine / other for mine, other in zip(ours.rates, bare.rates, strict=True))
    by_cost = median(other / mine for mine, other in zip(ours.costs, bare.costs, strict=True))
    rates = f"{median(ours.rates):,.0f} against {median(bare.rates):,.0f} requests/s"
    return Result(
        value=by_rate if http_load.has_wrk() else by_cost,
        part=part,
        ours=1 / median(ours.rates),
        against=1 / median(bare.rates),
        samples=len(ours.rates),
        note=f"{rates}; by processor time of the server {by_cost:.2f} ×",
    )


def _token(client: Client) -> str:
    body = {"email": "student0@bench.school", "password": people.PASSWORD}
    answer = client.post("/api/v1/auth/login", json=body).raise_for_status()
    return str(answer.json()["data"]["accessToken"])


def _is_ready(client: Client) -> bool:
    try:
        return client.get("/api/v1/health/ready").status_code == 200  # noqa: PLR2004 - OK
    except TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


MEASURES: tuple[Measure, ...] = (
    Measure(
        name="chapters-warm",
        section="http",
        question="GET /api/v1/chapters?page=1&limit=10 warm, signed in, one process, everything on: requests/s",
        against="a bare Starlette application in the same process that returns the same bytes",
        target=Target("at least", 0.8),
        take=warm,
    ),
)
