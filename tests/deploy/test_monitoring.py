"""Dashboard and alerts: every expression parses, asks for metrics that the app really tells, and has its runbook."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from backend.bootstrap import Backend
from backend.operations.check_titles import titles
from backend.operations.metric_families import KINDS, READS
from backend.operations.models import SEVERITY
from tests.school import School

ROOT = Path(__file__).resolve().parent.parent.parent
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboard.json"
RUNBOOK = (ROOT / "docs" / "operations.md").read_text()
OF_PROMETHEUS = {"up": {"job", "instance"}, "ALERTS": {"alertstate", "alertname"}}
ADDED_BY_SCRAPING = {"job", "instance"}
Rule = dict[str, Any]


def rules() -> list[Rule]:
    """Every alert."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[Rule]:
    """Every panel that shows something."""
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Each expression with where it stands; variables of the dashboard filled in."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")


def selectors(node: Any) -> Iterator[Any]:
    """The selectors of an expression."""
    if isinstance(node, promql.VectorSelector):
        yield node
    for name in ("lhs", "rhs", "expr", "vector_selector", "param", "args"):
        inner = getattr(node, name, None)
        for each in inner if isinstance(inner, list) else [inner]:
            if each is not None:
                yield from selectors(each)


def groupings(node: Any) -> Iterator[str]:
    """The labels by which an expression adds up."""
    if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
        yield from node.modifier.labels
    for name in ("lhs", "rhs", "expr", "args"):
        inner = getattr(node, name, None)
        for each in inner if isinstance(inner, list) else [inner]:
            if each is not None:
                yield from groupings(each)


@pytest.fixture
def told(backend: Backend, school: School) -> dict[str, set[str]]:
    """The metrics of a real process, by name, with the labels that its samples have."""
    for kind in KINDS:
        backend.metrics.observe(kind, "some", 0.1)
    backend.statistics.statistics(school.admin())  # what was never read or decided has no samples
    backend.limits.decide(None, "203.0.113.7", "api")
    backend.monitoring.count("pages", lambda: 1)  # as the door of pages does
    found: dict[str, set[str]] = {}
    for line in backend.monitoring.written().splitlines():
        if line.startswith("# TYPE"):
            _hash, _type, name, kind = line.split()
            for ending in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
                found.setdefault(name + ending, set())
        elif not line.startswith("#"):
            name, _brace, labels = line.rpartition(" ")[0].partition("{")
            found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found | OF_PROMETHEUS


def test_every_expression_parses() -> None:
    """A parser of PromQL takes each of them."""
    for where, expression in expressions():
        assert promql.parse(expression), where


def test_every_metric_is_told_by_the_app(told: dict[str, set[str]]) -> None:
    """No panel and no alert asks for a metric, or by a label, that no process tells: it would be silent for ever."""
    for where, expression in expressions():
        parsed = promql.parse(expression)
        known: set[str] = set(ADDED_BY_SCRAPING)
        for selector in selectors(parsed):
            assert selector.name in told, (where, selector.name)
            known |= told[selector.name]
            asked = {matcher.name for matcher in selector.matchers.matchers}
            assert asked <= told[selector.name] | ADDED_BY_SCRAPING, (where, selector.name, asked)
        assert set(groupings(parsed)) <= known, (where, expression)


def test_the_values_that_are_asked_for_exist() -> None:
    """Outcomes and checks that expressions name are values that the app gives: a misspelt one would match nothing."""
    limiter = {"allowed", "refused"}
    given = {"outcome": set(READS) | limiter, "check": set(titles()), "kind": {"pages", "events", "sockets"}}
    for where, expression in expressions():
        for selector in selectors(promql.parse(expression)):
            for matcher in selector.matchers.matchers:
                if matcher.name in given:
                    assert set(matcher.value.split("|")) <= given[matcher.name], (where, matcher.value)


def test_states_are_numbered_as_the_alerts_believe() -> None:
    """`>= 5` means critical and `== 4` error, in the app too."""
    assert (SEVERITY.index("warning"), SEVERITY.index("error"), SEVERITY.index("critical")) == (3, 4, 5)


def test_every_alert_says_what_to_do() -> None:
    """Each leads to a paragraph of docs/operations.md: what it means, where to look, what to do; none is left over."""
    section = RUNBOOK.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    paragraphs = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", section, re.MULTILINE | re.DOTALL))
    assert set(paragraphs) == {rule["alert"] for rule in rules()}
    for rule in rules():
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{rule['alert'].lower()}"
        for word in ("**Means**", "**Look**", "**Do**"):
            assert word in paragraphs[rule["alert"]], (rule["alert"], word)


def test_every_alert_is_named_once_and_graded() -> None:
    """A critical one wakes somebody, a warning waits for the morning; each has a sentence."""
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]


def test_every_panel_is_explained() -> None:
    """Each says what it shows, in a unit, and none lies upon another."""
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        assert panel["title"] and panel["description"] and panel["fieldConfig"]["defaults"]["unit"]
        place = panel["gridPos"]
        squares = {(place["x"] + dx, place["y"] + dy) for dx in range(place["w"]) for dy in range(place["h"])}
        assert not squares & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= squares


def test_every_metric_has_its_place_on_the_board(told: dict[str, set[str]]) -> None:
    """What the app tells is shown somewhere, save what is told for others to compute with."""
    shown = {selector.name for _where, each in expressions() for selector in selectors(promql.parse(each))}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in told}
    seen = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    missing = {name for name in families - seen if "_recent_seconds" not in name} - set(OF_PROMETHEUS)
    assert missing <= {"chapter_performance_fragment_run_failed_total", "chapter_performance_pool_wait_failed_total"}


def test_prometheus_finds_all_three_kinds() -> None:
    """The scrape configuration takes web, API and worker, each at the address where it tells its figures."""
    (job,) = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    assert job["job_name"] == "chapter-performance"  # as the alert on `up` calls it
    paths = {each["regex"]: each["replacement"] for each in job["relabel_configs"] if "replacement" in each}
    assert paths == {"web|api": "/api/v1/metrics", "worker": "/metrics"}
