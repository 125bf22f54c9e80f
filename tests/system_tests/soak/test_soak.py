"""A soak is no better than its sums: what it must notice, it notices."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from time import monotonic

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.progress.models import ProgressChange
from bench import machine
from system_tests.soak import report
from system_tests.soak.faults import EARLY, FIRST, KINDS, Fault, plan
from system_tests.soak.growth import BOUNDS, JUDGED_MINUTES, MEBIBYTE, Growth, Sample, growth
from system_tests.soak.ledger import OK, Ack, Ledger
from system_tests.soak.scenario import Soak
from system_tests.soak.verdict import Verdict, reached
from tests.statistics.builders import running

ONE_MORE = ProgressChange(questions_delta=1)


def saved(backend: Backend, student: Viewer, key: str) -> Ack:
    """One acknowledged save."""
    chapter_id = backend.chapters.active()[0].id
    batch_id = backend.progress.change(student, chapter_id, ONE_MORE, key=key, confirm=True).batch_id
    return Ack(student.id, chapter_id, batch_id, monotonic())


def test_a_school_that_kept_everything_is_clean(backend: Backend, student: Viewer) -> None:
    """Three saves, one of them sent twice: nothing lost, nothing twice, every sum right."""
    acks = [saved(backend, student, key) for key in ("one", "two", "two", "three")]
    with running(backend.projector):
        verdict = reached(backend, [student], acks)
    assert verdict.is_clean, verdict


def test_a_promise_that_was_not_kept_is_found(backend: Backend, student: Viewer) -> None:
    """An acknowledged save that the database does not have is lost, and one question is missing."""
    acks = [saved(backend, student, "one"), Ack(student.id, "a chapter", "no such batch", monotonic())]
    with running(backend.projector):
        verdict = reached(backend, [student], acks)
    assert (verdict.lost, verdict.doubled, verdict.is_clean) == (1, -1, False)


def test_a_save_that_was_done_twice_is_found(backend: Backend, student: Viewer) -> None:
    """More questions than were acknowledged are counted as doubled."""
    acks = [saved(backend, student, "one")]
    saved(backend, student, "the same, under another key")
    with running(backend.projector):
        verdict = reached(backend, [student], acks)
    assert (verdict.lost, verdict.doubled, verdict.is_clean) == (0, 1, False)


def test_the_longest_gap_has_no_save_in_it() -> None:
    """Silence at the edges counts as well."""
    ledger = Ledger()
    for at in (10.0, 11.0, 14.0):
        ledger.acknowledge(Ack("s", "c", "b", at))
    assert ledger.longest_gap(9.5, 15.0) == pytest.approx(3.0)
    assert ledger.longest_gap(9.5, 20.0) == pytest.approx(6.0)


def hour(held: Callable[[int], int], *, minutes: int = 60) -> list[Sample]:
    """What a process holds in MiB, as many files, and half as many threads, by minute."""
    return [Sample(60.0 * at, held(at) * MEBIBYTE, held(at), held(at) // 2) for at in range(minutes + 1)]


def test_what_settles_has_not_grown() -> None:
    """A process that fills its caches in the first quarter of an hour, and wavers from then on, has not grown."""
    assert growth("api", hour(lambda at: min(200, 100 + 8 * at) + at % 3)).grew == []


def test_what_goes_on_growing_is_found() -> None:
    """An eighth more in the last quarter than in the second is told with what grew, and the soak has failed."""
    found = growth("api", hour(lambda at: 200 + at))
    assert found.grew == ["memory +14%", "files +14%", "threads +14%"]
    verdict = Verdict(3, 0, 0, [], 0)
    assert verdict.is_clean
    assert not replace(verdict, grew=["api: memory +14%"]).is_clean
    assert not replace(verdict, unmended=["minute 3"]).is_clean


def test_a_few_files_more_are_no_leak() -> None:
    """Of twenty files three more are within what may always come; five more are not."""
    assert growth("api", [Sample(60.0 * at, 1, 20 + 3 * (at > 30), 20) for at in range(61)]).grew == []
    assert growth("api", [Sample(60.0 * at, 1, 20 + 5 * (at > 30), 20) for at in range(61)]).grew == ["files +25%"]


def test_who_lived_shortly_is_not_judged() -> None:
    """Half an hour is the least."""
    assert growth("b", hour(lambda at: 100 + at, minutes=int(JUDGED_MINUTES))).grew is None
    assert growth("b", hour(lambda at: 100 + at, minutes=int(JUDGED_MINUTES) + 1)).grew


def test_databases_have_a_bound() -> None:
    """A database may fill its cache; past its bound at any moment it has grown."""
    bound = BOUNDS["mongod"].resident_bytes // MEBIBYTE
    assert growth("mongod-0", [Sample(60.0 * at, (bound - 60 + at) * MEBIBYTE, 90, 90) for at in range(61)]).grew == []
    beyond = [Sample(60.0 * at, (bound + (at == 40)) * MEBIBYTE, 90, 90) for at in range(61)]
    assert growth("mongod-0", beyond).grew == ["memory beyond its bound"]


def test_every_kind_of_fault_is_made_and_some_processes_live() -> None:
    """In an hour each kind is made; what is broken once comes first, and nobody kills the worker in the last half."""
    planned = list(islice(plan(60), 58))
    assert set(planned) == set(KINDS)
    assert planned[: len(FIRST)] == list(FIRST)
    for name in (*FIRST, *EARLY):
        assert planned[len(planned) // 2 :].count(name) == 0


def test_the_report_says_what_was_found(tmp_path: Path) -> None:
    """Calls, errors by kind, faults and processes stand between the markers; what stood there is gone."""
    ledger = Ledger()
    for outcome in (OK, OK, OK, "503 unavailable"):
        ledger.note("save by API", outcome, 0.1)
    fault = Fault(next(iter(KINDS)), 1, 65.0, whole_after=20.0, longest_gap=1.5)
    web = Growth("web", 60.0, (2e8, 2.3e8), (30, 31), (20, 20), 240_000_000, 1e7, ["memory +15%"])
    verdict = Verdict(acknowledged=3, lost=0, doubled=0, disagreements=[], chapters_that_differ=0)
    page, kept = tmp_path / "page.md", tmp_path / "soak.json"
    page.write_text("before\n<!-- soak -->\nold\n<!-- /soak -->\nafter\n")
    report.write(report.summary(Soak(60.0, ledger, [fault], [web], verdict)), page, kept)
    text = page.read_text()
    for words in (
        "Error rate 25.00%",
        "save by API: 503 unavailable 1",
        "| 20 s | 1.5 s | 0 |",
        "+10.0 MB/h",
        "0 lost",
    ):
        assert words in text
    assert "| 200 MB | 230 MB | +10.0 MB/h | 30 → 31 | 20 → 20 | memory +15% |" in text
    assert "1 of 1 long-lived processes grown" in text
    assert "old" not in text
    assert json.loads(kept.read_text())["commit"] == machine.commit()


def test_a_page_without_a_place_is_refused(tmp_path: Path) -> None:
    """Figures are never written where nobody looks for them."""
    page = tmp_path / "page.md"
    page.write_text("no markers")
    with pytest.raises(ValueError, match="no place for soak"):
        report.write(report.summary(Soak(1.0, Ledger(), [], [], Verdict(0, 0, 0, [], 0))), page, tmp_path / "soak.json")
