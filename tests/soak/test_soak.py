"""A soak is no better than its sums: what it must notice, it notices."""

import json
from pathlib import Path
from time import monotonic

import pytest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.progress.models import ProgressChange
from bench import machine
from deploy.soak import report
from deploy.soak.faults import KINDS, Fault
from deploy.soak.ledger import OK, Ack, Ledger
from deploy.soak.stage import Soak
from deploy.soak.verdict import Verdict, reached
from deploy.soak.watch import Growth
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


def test_the_report_says_what_was_found(tmp_path: Path) -> None:
    """Calls, errors by kind, faults and processes stand between the markers; what stood there is gone."""
    ledger = Ledger()
    for outcome in (OK, OK, OK, "503 unavailable"):
        ledger.note("save by API", outcome, 0.1)
    fault = Fault(next(iter(KINDS)), 1, 65.0, whole_after=20.0, longest_gap=1.5)
    growth = Growth("web", 60.0, 200_000_000, 210_000_000, 10_000_000.0, (30, 31), (20, 20))
    verdict = Verdict(acknowledged=3, lost=0, doubled=0, disagreements=[], chapters_that_differ=0)
    page, kept = tmp_path / "page.md", tmp_path / "soak.json"
    page.write_text("before\n<!-- soak -->\nold\n<!-- /soak -->\nafter\n")
    report.write(report.summary(Soak(60.0, ledger, [fault], [growth], verdict)), page, kept)
    text = page.read_text()
    for words in ("Error rate 25.00%", "save by API: 503 unavailable 1", "| 20 s | 1.5 s |", "+10.0 MB/h", "0 lost"):
        assert words in text
    assert "old" not in text
    assert json.loads(kept.read_text())["commit"] == machine.commit()


def test_a_page_without_a_place_is_refused(tmp_path: Path) -> None:
    """Figures are never written where nobody looks for them."""
    page = tmp_path / "page.md"
    page.write_text("no markers")
    with pytest.raises(ValueError, match="no place for soak"):
        report.write(report.summary(Soak(1.0, Ledger(), [], [], Verdict(0, 0, 0, [], 0))), page, tmp_path / "soak.json")
