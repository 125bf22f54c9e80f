"""How many machines so many people need: what was measured, what is assumed, and the arithmetic between. Pure.

`python -m deploy.capacity --users 1000000` prints the table of docs/scaling.md; every number of Assumed is an option.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import ceil

HOURS_A_MONTH = 730
GB = 1e9


@dataclass(frozen=True)
class Measured:
    """Figures of one process on one core of the machine in docs/performance.md, and of stored data with indexes."""

    page_run_seconds: float = 0.010  # of processor: home 4 ms, chapters 14 ms, class 18 ms
    saves_a_second: float = 315  # by the service, 16 writers, MongoDB on the same two cores
    bare_saves_a_second: float = 456  # the same transaction by the driver alone, also on two cores
    cached_requests_a_second: float = 29_000  # GET /chapters, everything on
    process_bytes: float = 185e6  # a web process that has drawn pages, with none open
    page_bytes: float = 0.75e6  # of an open page in its process: a home 0.13 MB, the list of chapters 0.75 MB
    progress_bytes: float = 547
    activity_bytes: float = 401
    day_bytes: float = 134
    person_bytes: float = 5_000  # account, summary, membership, a session or two


@dataclass(frozen=True)
class Assumed:
    """Assumptions on a year at a school, and prices. Change them to yours."""

    users: float = 1_000_000
    busiest_day: float = 0.40  # share of users who come on it
    busiest_hour: float = 0.25  # share of those who come in one hour
    minutes_open: float = 30  # of a page, within that hour
    runs_an_hour: float = 60  # looks and clicks of one person
    saves_an_hour: float = 15
    burst: float = 2  # the worst minute against the mean of its hour
    fullness: float = 0.6  # of a core, planned for the worst minute
    changes_a_year: float = 1_500  # of one student
    days_a_year: float = 250
    years: float = 2
    warm: float = 0.25  # share of stored data that is in memory
    shard_vcpu: float = 8
    shard_ram_gb: float = 64
    board_bytes: float = 2_000  # of a student in Redis
    usd_vcpu_hour: float = 0.04
    usd_ram_gb_hour: float = 0.005
    usd_disk_gb_month: float = 0.10


@dataclass(frozen=True)
class Line:
    """One part: how many, what of, and what all of it costs a month."""

    what: str
    count: int
    vcpu: float
    ram_gb: float
    disk_gb: float
    why: str

    def usd(self, assumed: Assumed) -> float:
        """A month's price."""
        hourly = self.vcpu * assumed.usd_vcpu_hour + self.ram_gb * assumed.usd_ram_gb_hour
        return hourly * HOURS_A_MONTH + self.disk_gb * assumed.usd_disk_gb_month


def people_at_peak(assumed: Assumed) -> float:
    """People who come in the busiest hour of the busiest day."""
    return assumed.users * assumed.busiest_day * assumed.busiest_hour


def saves_at_peak(assumed: Assumed) -> float:
    """Saves a second in the worst minute of that hour."""
    return people_at_peak(assumed) * assumed.saves_an_hour / 3600 * assumed.burst


def stored_bytes(assumed: Assumed, measured: Measured) -> float:
    """All documents and indexes, of one copy."""
    yearly = assumed.changes_a_year * measured.activity_bytes + assumed.days_a_year * measured.day_bytes
    student = 100 * measured.progress_bytes + assumed.years * yearly + measured.person_bytes
    return assumed.users * student


def plan(assumed: Assumed, measured: Measured) -> list[Line]:
    """The parts that carry it, each of which may lose one of its kind."""
    return [
        _web(assumed, measured),
        _api(assumed),
        _workers(),
        *_database(assumed, measured),
        _redis(assumed),
        _nginx(assumed),
    ]


def _web(assumed: Assumed, measured: Measured) -> Line:
    people = people_at_peak(assumed)
    runs = people * assumed.runs_an_hour / 3600 * assumed.burst
    for_runs = runs * measured.page_run_seconds / assumed.fullness
    count = max(2, ceil(for_runs) + 1)
    pages = people * assumed.minutes_open / 60
    ram = (count * measured.process_bytes + pages * measured.page_bytes) / GB
    return Line("web processes", count, count, ram, 0, f"{runs:,.0f} runs a second, {pages:,.0f} pages open")


def _api(assumed: Assumed) -> Line:
    # Programs are few beside pages: one process for each quarter of a million people, and two for losing one.
    count = max(2, ceil(assumed.users / 250_000))
    return Line("API processes", count, count, count * 0.5, 0, "what is asked alike is answered from memory")


def _workers() -> Line:
    return Line("workers", 2, 2, 2, 0, "one leads, one waits")


def _database(assumed: Assumed, measured: Measured) -> list[Line]:
    saves, stored = saves_at_peak(assumed), stored_bytes(assumed, measured)
    by_saves = saves / (measured.bare_saves_a_second / 2 * assumed.shard_vcpu * assumed.fullness)
    by_memory = stored * assumed.warm / (assumed.shard_ram_gb * 0.5 * GB)
    shards = max(1, ceil(max(by_saves, by_memory)))
    members = shards * 3
    why = f"{saves:,.0f} saves a second fill {by_saves:.1f}, {stored / 1e12:.2f} TB fill {by_memory:.1f}"
    lines = [
        Line(
            f"MongoDB members ({shards} {'set' if shards == 1 else 'shards'} of three)",
            members,
            members * assumed.shard_vcpu,
            members * assumed.shard_ram_gb,
            3 * stored / GB * 1.5,
            why,
        )
    ]
    if shards > 1:
        lines.append(Line("routers and configuration", 6, 9, 18, 60, "three of each"))
    return lines


def _redis(assumed: Assumed) -> Line:
    held = max(0.5, assumed.users * assumed.board_bytes / GB * 1.5)
    masters = max(1, ceil(held / 8))
    return Line("Valkey", masters * 2, masters * 2, 2 * held, 0, f"{held:.1f} GB held, each with a copy")


def _nginx(assumed: Assumed) -> Line:
    count = max(2, ceil(people_at_peak(assumed) / 50_000))
    return Line("nginx", count, count * 2, count * 2, 10, "websockets and TLS")


def table(assumed: Assumed, measured: Measured) -> str:
    """The plan as a Markdown table, with sums."""
    lines = plan(assumed, measured)
    head = ["| part | how many | vCPU | RAM GB | disk GB | USD a month | why |", "|---|--:|--:|--:|--:|--:|---|"]
    rows = [
        f"| {each.what} | {each.count} | {each.vcpu:,.0f} | {each.ram_gb:,.0f} | {each.disk_gb:,.0f} "
        f"| {each.usd(assumed):,.0f} | {each.why} |"
        for each in lines
    ]
    vcpu, ram, disk = (sum(getattr(each, name) for each in lines) for name in ("vcpu", "ram_gb", "disk_gb"))
    total = sum(each.usd(assumed) for each in lines)
    share = f"{total / assumed.users * 100:.1f} cents a user"
    return "\n".join([*head, *rows, f"| all | | {vcpu:,.0f} | {ram:,.0f} | {disk:,.0f} | {total:,.0f} | {share} |"])


def main(arguments: Sequence[str]) -> int:
    """Print the table for what the options say."""
    parser = argparse.ArgumentParser(prog="python -m deploy.capacity", description=__doc__)
    for field in fields(Assumed):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=float, default=field.default, help="%(default)s")
    sys.stdout.write(table(replace(Assumed(), **vars(parser.parse_args(arguments))), Measured()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
