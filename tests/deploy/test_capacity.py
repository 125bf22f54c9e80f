"""The arithmetic of docs/scaling.md: it adds up, it grows with what it should, and the document shows what it says."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from deploy.capacity import Assumed, Measured, plan, saves_at_peak, stored_bytes, table

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_document_shows_what_is_computed() -> None:
    """Each table of docs/scaling.md is the one of its number of people."""
    found = re.findall(r"<!-- capacity (\d+) -->\n(.*?)\n<!-- /capacity -->", scaling(), re.DOTALL)
    assert len(found) == 3
    for users, shown in found:
        assert shown == table(Assumed(users=float(users)), Measured()), users


def test_a_million_by_hand() -> None:
    """100,000 people save 15 times an hour, twice as often in the worst minute: 833 a second. Two years: 1.3 TB."""
    assert round(saves_at_peak(Assumed())) == 833
    assert 1.2e12 < stored_bytes(Assumed(), Measured()) < 1.5e12


def test_nothing_stands_alone() -> None:
    """However few people there are, each part may lose one of its kind."""
    assert all(line.count >= 2 for line in plan(Assumed(users=100), Measured()))


def test_more_people_cost_more_and_each_costs_less() -> None:
    """Every part grows or stays with the number of people, and a person's share falls."""
    few, many = Assumed(users=10_000), Assumed(users=1_000_000)
    small, large = plan(few, Measured()), plan(many, Measured())
    assert sum(line.vcpu for line in small) < sum(line.vcpu for line in large)
    assert sum(line.usd(few) for line in small) / 10_000 > sum(line.usd(many) for line in large) / 1_000_000


def test_prices_are_options() -> None:
    """Twice the price of everything is twice the sum."""
    once = Assumed()
    twice = replace(once, usd_vcpu_hour=0.08, usd_ram_gb_hour=0.01, usd_disk_gb_month=0.2)
    lines = plan(once, Measured())
    assert abs(sum(each.usd(twice) for each in lines) - 2 * sum(each.usd(once) for each in lines)) < 0.01


def test_the_command_prints_the_table() -> None:
    """`python -m deploy.capacity` computes with the options that it is given."""
    ended = subprocess.run(
        [sys.executable, "-m", "deploy.capacity", "--users", "100000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == table(Assumed(users=100_000), Measured())


def scaling() -> str:
    """docs/scaling.md."""
    return (ROOT / "docs" / "scaling.md").read_text()
