"""The rights of a person: her data to take along, and a deletion that leaves nothing of her anywhere."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from backend.accounts.models import ProfileChange, Viewer
from backend.accounts.queries import keep_an_admin
from backend.audit.models import AuditFilter
from backend.boards.models import EVERYONE
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.errors import Conflict, NotAllowed, NotFound, NotSignedIn
from backend.kit.clock import SetClock
from backend.kit.limiter.redis import RedisLimits
from backend.progress.models import ProgressChange
from backend.rights.download import as_csv
from backend.rights.queries import hashed
from backend.rights.service import SETTLED
from tests.boards.builders import boards_of
from tests.school import School

NAME = "Zuleika Dobson-Quill"
BOARD_NAME = "the unmistakable owl"
WITH_IDS = {"audit", "tombstones"}  # ids alone, hashed in the second


@pytest.fixture
def leaver(backend: Backend, school: School, classroom: Classroom) -> Viewer:
    """A student who has left traces wherever a student can: work, undo, boards, caches, sessions, links, the trail."""
    viewer = school.student(classroom, NAME)
    return with_traces(backend, viewer)


def with_traces(backend: Backend, viewer: Viewer, board_name: str = BOARD_NAME) -> Viewer:
    accounts, progress = backend.accounts, backend.progress
    accounts.update_profile(viewer, ProfileChange(board_name=board_name, board_joined=True))
    chapters = backend.chapters.active()
    for index, chapter in enumerate(chapters[:3]):
        change = ProgressChange(questions_delta=2 + index, is_weak_chapter=index == 0)
        saved = progress.change(viewer, chapter.id, change, key=f"k{index}", confirm=True)
    progress.undo(viewer, saved.batch_id)
    return backend.sign_in.viewer(session_of(backend, viewer))


def session_of(backend: Backend, viewer: Viewer) -> str:
    ticket = backend.sign_in.issue_ticket(backend.accounts.me(viewer), "browser")
    return backend.sign_in.redeem_ticket(ticket, "browser", f"Firefox of {NAME}")


def looked_at(backend: Backend, admin: Viewer, classroom: Classroom, student: Viewer) -> None:
    """Fill the caches and kept boards with her, as pages do, and the limits, as wrong tries at her password do."""
    backend.reports.report(admin, classroom.id)
    backend.reports.matrix(admin, classroom.id)
    backend.reports.learner(admin, classroom.id, student.id)
    backend.administration.user(admin, student.id)
    for scope in (EVERYONE, classroom.id):
        backend.boards.board(student, scope)
        boards_of(backend, is_kept=True).board(student, scope)
    backend.overview.home(student)
    with pytest.raises(NotSignedIn):
        backend.sign_in.authenticate(student.email, "not her password")


def profiled(backend: Backend, on: bool) -> None:
    """Have the server note every command, as somebody may who looks for slow ones; or no more."""
    backend.mongo.database.command("profile", 2 if on else 0)


def delete(backend: Backend, clock: SetClock, student: Viewer) -> None:
    """Ask, wait, and let the job do it."""
    backend.rights.request(student)
    clock.advance(timedelta(days=backend.settings.deletion_grace_days))
    assert backend.rights.fulfil_due().closed == 1
    clock.advance(SETTLED)
    assert backend.rights.fulfil_due().deleted == 1


def traces(backend: Backend, *words: str) -> list[str]:
    """Every collection and every key of Redis in which one of these words stands."""
    found = []
    for collection in backend.mongo.database.list_collection_names():
        for document in backend.mongo[collection].find({}):
            if any(word in str(document) for word in words):
                found.append(collection)
    return sorted(set(found)) + redis_traces(backend, *words)


def redis_traces(backend: Backend, *words: str) -> list[str]:
    client: Any = backend.redis_client
    read = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"set": client.smembers,
        b"stream": client.xrange,
        b"none": lambda _key: None,  # it has ended since
    }
    content = {
        key: repr((key, read[client.type(key)](key)))
        for key in client.scan_iter(f"*{backend.settings.mongodb_database}*", count=1000)
    }
    return [f"redis:{key!r}" for key, text in content.items() if any(word in text for word in words)]


def log_traces(mongodb_log: Path, *words: str) -> list[str]:
    """Lines of the database server's log in which one of these words stands."""
    return [line for line in mongodb_log.read_text().splitlines() if any(word in line for word in words)]


def test_nothing_of_a_deleted_person_stands_anywhere(
    backend: Backend, clock: SetClock, admin: Viewer, classroom: Classroom, leaver: Viewer, mongodb_log: Path
) -> None:
    """No collection, profile, log or key of Redis has her id, names or address, but for the trail and her tombstone."""
    profiled(backend, on=True)
    looked_at(backend, admin, classroom, leaver)
    backend.administration.make_reset_link(admin, leaver.id)
    found = set(traces(backend, leaver.id))
    assert {"users", "progress", "activity", "sessions", "audit", "system.profile"} <= found
    assert any(":ranked:" in key for key in found)
    delete(backend, clock, leaver)
    assert backend.mongo.database.command("profile", -1)["was"] == 2  # it goes on as it was set
    profiled(backend, on=False)
    assert traces(backend, NAME, leaver.email, BOARD_NAME) == []
    assert set(traces(backend, leaver.id)) == {"audit"}
    assert set(traces(backend, hashed(leaver.id))) == {"tombstones"}
    assert log_traces(mongodb_log, leaver.id, NAME, leaver.email, BOARD_NAME) == []
    assert backend.audit.check_all().broken_at is None


def test_a_deletion_leaves_what_is_others(
    backend: Backend, clock: SetClock, school: School, admin: Viewer, classroom: Classroom, leaver: Viewer
) -> None:
    """Delays, allowances and board entries of others stay; hers are gone, under hashes too."""
    other = with_traces(backend, school.student(classroom, "Other Student"), "another bird")
    for viewer in (leaver, other):
        looked_at(backend, admin, classroom, viewer)
    client: Any = backend.redis_client

    def has_wrong_tries(viewer: Viewer) -> bool:
        key = RedisLimits(client, backend.settings.mongodb_database)._key("limit", f"account:{viewer.id}")
        return bool(client.exists(key))

    attempts = f"{backend.settings.mongodb_database}:attempts:*"
    delays = len(list(client.scan_iter(attempts)))
    assert (has_wrong_tries(leaver), has_wrong_tries(other), delays) == (True, True, 2)
    delete(backend, clock, leaver)
    assert (has_wrong_tries(leaver), has_wrong_tries(other)) == (False, True)
    assert len(list(client.scan_iter(attempts))) == delays
    assert any(":ranked:" in key for key in redis_traces(backend, other.id))


def test_statistics_boards_and_classes_are_as_if_she_had_never_been(
    backend: Backend, school: School, clock: SetClock, admin: Viewer, classroom: Classroom, leaver: Viewer
) -> None:
    """Sums over all students, the class and the boards are those of the others alone."""
    other = with_traces(backend, school.student(classroom, "Other Student"), "another bird")
    backend.projector.rebuild()
    delete(backend, clock, leaver)
    chapter = backend.chapters.active()[0].id
    kept = backend.mongo["chapterStatistics"].find_one({"_id": chapter})
    assert kept is not None
    assert (kept["students"], kept["solved"], kept["weak"]) == (1, 2, 1)
    assert [each.id for each in backend.reports.report(admin, classroom.id).learners] == [other.id]
    board = backend.boards.board(other, EVERYONE, "all", "questions")
    assert board.participants == 1


def test_her_sessions_end_when_the_account_is_closed(backend: Backend, clock: SetClock, leaver: Viewer) -> None:
    """From the day of the deletion on nobody is signed in as her, and her password opens nothing."""
    token = session_of(backend, leaver)
    delete(backend, clock, leaver)
    with pytest.raises(NotSignedIn):
        backend.sign_in.viewer(token)
    assert backend.mongo["users"].find_one({"emailKey": leaver.email}) is None


def test_it_can_be_called_off_until_then(backend: Backend, clock: SetClock, leaver: Viewer) -> None:
    """A deletion that was called off in time does nothing; one that nobody asked for cannot be called off."""
    deletion = backend.rights.request(leaver)
    assert deletion.due_at - deletion.requested_at == timedelta(days=backend.settings.deletion_grace_days)
    with pytest.raises(Conflict):
        backend.rights.request(leaver)
    clock.advance(timedelta(days=backend.settings.deletion_grace_days - 1))
    assert backend.rights.fulfil_due().closed == 0
    backend.rights.cancel(leaver)
    clock.advance(timedelta(days=30))
    assert backend.rights.fulfil_due().closed == 0
    with pytest.raises(NotFound):
        backend.rights.cancel(leaver)


def test_an_administrator_asks_for_a_parent(backend: Backend, admin: Viewer, leaver: Viewer) -> None:
    """She sees what is open with names and dates, and each step is in the trail."""
    backend.rights.request_for(admin, leaver.id)
    (shown,) = backend.rights.open_requests(admin)
    assert (shown.deletion.id, shown.name, shown.deletion.requested_by) == (leaver.id, NAME, admin.id)
    backend.rights.cancel_for(admin, leaver.id)
    entries = backend.audit.entries(admin, AuditFilter(people=(leaver.id,))).entries
    assert [each.act for each in entries][:2] == ["deletion.cancelled", "deletion.requested"]
    with pytest.raises(NotAllowed):
        backend.rights.request_for(leaver, admin.id)


def test_the_last_administrator_stays(backend: Backend, clock: SetClock, admin: Viewer) -> None:
    """A school without an administrator could not be helped: her deletion waits until there is another."""
    backend.rights.request(admin)
    clock.advance(timedelta(days=15))
    assert backend.rights.fulfil_due().closed == 0
    assert backend.administration.user(admin, admin.id).is_active


def test_a_restored_backup_is_cleaned_again(backend: Backend, clock: SetClock, leaver: Viewer) -> None:
    """Whoever is back by a restore is deleted again by her tombstone, even with half of her data missing."""
    kept = {name: list(backend.mongo[name].find({})) for name in ("users", "progress", "activity", "summaries")}
    delete(backend, clock, leaver)
    for name, documents in kept.items():
        backend.mongo[name].delete_many({})
        backend.mongo[name].insert_many(documents)
    backend.mongo["users"].delete_one({"_id": leaver.id})
    assert backend.rights.apply_tombstones() == 1
    assert set(traces(backend, leaver.id, NAME)) <= {"audit"}
    assert backend.rights.apply_tombstones() == 0


def test_the_download_has_everything_and_no_secret(backend: Backend, admin: Viewer, leaver: Viewer) -> None:
    """Each file as JSON and CSV; what is in the collections about her is in it, and nothing that opens an account."""
    backend.administration.user(admin, leaver.id)
    files = unzipped(b"".join(backend.rights.export(leaver)))
    (account,) = json.loads(files["account.json"])
    assert (account["name"], account["email"], account["boardName"]) == (NAME, leaver.email, BOARD_NAME)
    for name, collection in {"progress": "progress", "activity": "activity", "study-days": "studyDays"}.items():
        count = backend.mongo[collection].count_documents({"studentId": leaver.id})
        assert len(json.loads(files[f"{name}.json"])) == len(rows_of(files[f"{name}.csv"])) == count > 0
    assert [each["act"] for each in json.loads(files["looks-and-acts.json"])][:1] == ["user.viewed"]
    text = b"".join(files.values()).decode()
    user = backend.mongo["users"].find_one({"_id": leaver.id}) or {}
    session = backend.mongo["sessions"].find_one({"userId": leaver.id}) or {}
    for secret in (user["passwordHash"], session["_id"], admin.name, admin.id):
        assert secret not in text
    assert "argon2" not in text


def test_the_download_calculates_nothing(backend: Backend, school: School, classroom: Classroom) -> None:
    """A name that a spreadsheet would calculate is kept from it in the CSV, and is as typed in the JSON."""
    student = school.student(classroom, "=HYPERLINK(1)")
    files = unzipped(b"".join(backend.rights.export(student)))
    assert rows_of(files["account.csv"])[0]["name"] == "'=HYPERLINK(1)"
    assert json.loads(files["account.json"])[0]["name"] == "=HYPERLINK(1)"


def test_a_table_is_written_while_it_is_read() -> None:
    """The first row is out before the last document is read: nobody's years of work are held at once."""
    read: list[int] = []

    def documents() -> Iterator[dict[str, Any]]:
        for number in range(100):
            read.append(number)
            yield {"number": number}

    pieces = as_csv(documents)
    assert next(pieces) == b"\xef\xbb\xbfnumber\r\n"
    read.clear()
    assert next(pieces) == b"0\r\n"
    assert read == [0]


def test_an_administrator_who_goes_waits_for_another(backend: Backend, admin: Viewer) -> None:
    """While one administrator is being taken away no other account is closed: two at once would leave none."""
    link = backend.administration.create(admin, name="Other", email="other@example.org", role="admin")
    mongo, close = backend.mongo, partial(backend.rights._queries.close, admin.id, backend.clock.now())
    with ThreadPoolExecutor(1) as pool:
        with mongo.client.start_session() as session, session.start_transaction():
            keep_an_admin(mongo, session)
            mongo["users"].update_one({"_id": link.user.id}, {"$set": {"isActive": False}}, session=session)
            closing = pool.submit(close)
            with pytest.raises(TimeoutError):
                closing.result(timeout=2)
        assert isinstance(closing.exception(timeout=60), Conflict)
    assert mongo["users"].count_documents({"role": "admin", "isActive": True}) == 1


def test_who_has_long_not_come_is_forgotten(backend: Backend, clock: SetClock, leaver: Viewer) -> None:
    """Where the school set a time, students who have not signed in since are asked to go; others stay."""
    rights = backend.rights
    assert rights.request_for_idle() == 0
    rights._idle = timedelta(days=400)
    clock.advance(timedelta(days=399))
    assert rights.request_for_idle() == 0
    clock.advance(timedelta(days=2))
    assert rights.request_for_idle() == 1
    assert rights.request_for_idle() == 0
    assert rights.deletion(leaver) is not None


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
