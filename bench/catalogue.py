"""What a change of the catalogue costs a big school: a long import, its undo, many chapters archived and brought back.

`python -m bench.catalogue --rows 20000 --students 10000` in an empty DATA_DIR says how long each takes, and fails where
a total is not what its records give. The short form is tests/bench/test_catalogue.py."""

import argparse
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import TypeVar

from msgspec.structs import replace

from backend.accounts.models import Viewer
from backend.bootstrap import Backend, build
from backend.chapters.models import Chapter, ImportReport
from backend.config import Settings
from backend.kit.clock import SystemClock
from backend.kit.model import to_document
from backend.kit.mongo.client import Document
from backend.kit.observability import log
from backend.progress import rules
from backend.progress.models import Progress, SummaryRecord
from backend.progress.queries import progress_document

BULK = 5_000
RECORDS = 30  # of each student
SOLVED = 7
ARCHIVED = 20

Report = Callable[[str], None]
T = TypeVar("T")


def seed(backend: Backend, students: int) -> None:
    """So many students, each with the same records on the first chapters."""
    chapters, now = backend.chapters.active()[:RECORDS], backend.clock.now()
    record = Progress(chapter_id="", status="Completed", question_solved=SOLVED, version=1, updated_at=now)
    records = [(chapter, replace(record, chapter_id=chapter.id)) for chapter in chapters]
    summary = SummaryRecord(id="", last_activity_at=now)
    for chapter, record in records:
        summary = rules.summed(summary, chapter, rules.NOTHING, rules.own(record))
    fields = {**to_document(summary), "revision": 1}
    ids = [f"{number:024x}" for number in range(students)]
    _write(backend, "summaries", ({**fields, "_id": each} for each in ids))
    _write(
        backend,
        "progress",
        (progress_document(each, chapter, record) for each in ids for chapter, record in records),
    )


def run(backend: Backend, teacher: Viewer, rows: int, report: Report) -> None:
    """Every large change, one after the other, each to its end. Raises AssertionError where a total is wrong."""
    chapters = backend.chapters.active()[:ARCHIVED]
    content = _file(rows)
    plan = _timed(report, "dry run", lambda: backend.chapters.import_file(teacher, "a.csv", content, dry_run=True))
    done = _timed(report, "import, until it is answered", lambda: _import(backend, teacher, content, plan.plan))
    _timed(report, "import, the rest of it", lambda: finish(backend))
    _timed(report, "undo", lambda: backend.chapters.undo_import(teacher, str(done.import_id)))
    _timed(report, "undo, the rest of it", lambda: finish(backend))
    _timed(report, f"{len(chapters)} chapters archived", lambda: _archive(backend, teacher, chapters))
    _timed(report, "totals after it", lambda: finish(backend))
    _check(backend, archived=min(len(chapters), RECORDS))
    back = _rows(chapters)
    _timed(report, "brought back by an import", lambda: _import(backend, teacher, back, ""))
    _timed(report, "totals after it", lambda: finish(backend))
    _check(backend, archived=0)


def finish(backend: Backend) -> None:
    """What the job does."""
    backend.chapters.carry_on()
    backend.recount.carry_on()


def _timed(report: Report, what: str, work: Callable[[], T]) -> T:
    began = perf_counter()
    found = work()
    report(f"{what}: {perf_counter() - began:.1f} s")
    return found


def _import(backend: Backend, teacher: Viewer, content: bytes, plan: str) -> ImportReport:
    return backend.chapters.import_file(teacher, "a.csv", content, dry_run=False, plan=plan)


def _archive(backend: Backend, teacher: Viewer, chapters: Sequence[Chapter]) -> None:
    for chapter in chapters:
        backend.chapters.archive(teacher, chapter.id)


def _check(backend: Backend, *, archived: int) -> None:
    expected = {"completed": RECORDS - archived, "solved": RECORDS * SOLVED}
    wrong = {f"total.{name}": {"$ne": count} for name, count in expected.items()}
    found = backend.mongo["summaries"].count_documents({"$or": [{name: value} for name, value in wrong.items()]})
    assert found == 0, f"{found} totals are wrong"  # noqa: S101 # this is a check


def _file(rows: int) -> bytes:
    """Rows of new chapters, forty to a unit."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["subject", "class", "unit", "chapter", "2024", "2025"])
    for number in range(rows):
        writer.writerow(["Geography", "Class 11", f"Unit {number // 40}", f"Chapter {number}", number % 9, number % 7])
    return text.getvalue().encode()


def _rows(chapters: Sequence[Chapter]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["subject", "class", "unit", "chapter"])
    writer.writerows([each.subject, each.class_, each.unit, each.chapter] for each in chapters)
    return text.getvalue().encode()


def _write(backend: Backend, collection: str, documents: Iterator[Document]) -> None:
    part: list[Document] = []
    for document in documents:
        part.append(document)
        if len(part) == BULK:
            backend.mongo[collection].insert_many(part, ordered=False)
            part = []
    if part:
        backend.mongo[collection].insert_many(part, ordered=False)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--students", type=int, default=10_000)
    options = parser.parse_args()
    log.configure("ERROR")
    backend = build(Settings(), clock=SystemClock())
    try:
        user = backend.registration.create_first_administrator(
            name="Bench",
            email="bench@example.org",
            password="a long password of the bench",  # noqa: S106 # of nobody
        )
        ticket = backend.sign_in.issue_ticket(user, "browser")
        teacher = backend.sign_in.viewer(backend.sign_in.redeem_ticket(ticket, "browser", "bench"))
        _timed(print, f"{options.students} students made", lambda: seed(backend, options.students))
        run(backend, teacher, options.rows, print)
    finally:
        backend.close()


if __name__ == "__main__":
    _main()
