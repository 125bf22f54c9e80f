"""The demo school as it stands: who is in it, and that what it shows could have happened."""

from collections import Counter
from collections.abc import Iterator

import pytest

from backend.bootstrap import Backend
from backend.demo import DemoSignIns, open_school
from backend.demo.learners import Habit, learners
from backend.errors import NotSignedIn
from backend.kit.embedded import Servers
from backend.progress import rules
from backend.progress.models import StudentRecord
from tests.demo.builders import HEAD, SMALL, empty_school, users

Opened = tuple[Backend, DemoSignIns]


@pytest.fixture(scope="module")
def opened(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A small demo school that the tests of this file only read."""
    with empty_school(servers, tmp_path_factory.mktemp("demo")) as backend:
        yield backend, open_school(backend, **SMALL)


def records(backend: Backend) -> list[StudentRecord]:
    return [backend.progress.record(user.id) for user in users(backend, "student")]


def by_habit(backend: Backend) -> dict[Habit, list[StudentRecord]]:
    """The records of the learners of each habit."""
    people = {user.email: user for user in users(backend, "student")}
    found: dict[Habit, list[StudentRecord]] = {habit: [] for habit in Habit}
    for learner in learners(2026, SMALL["count"], backend.progress.today(HEAD), SMALL["days"]):
        found[learner.habit].append(backend.progress.record(people[learner.email].id))
    return found


def test_everybody_is_there(opened: Opened) -> None:
    """One administrator, three teachers, and as many students as were asked for, all marked as demo people."""
    backend, _accounts = opened
    everybody = users(backend)
    assert Counter(user.role for user in everybody) == {"admin": 1, "teacher": 3, "student": SMALL["count"]}
    assert all(user.is_demo for user in everybody)


def test_every_student_is_in_one_of_four_classes(opened: Opened) -> None:
    """Four classes of the same size, each with a teacher of its own choosing."""
    backend, _accounts = opened
    classes = backend.classrooms.classrooms(HEAD)
    sizes = [len(backend.reports.report(HEAD, classroom.id).learners) for classroom in classes]
    assert sizes == [SMALL["count"] // 4] * 4
    teachers = {teacher for classroom in classes for teacher in classroom.teacher_ids}
    assert teachers == {user.id for user in users(backend, "teacher")}


def test_every_role_can_sign_in(opened: Opened) -> None:
    """The sign-ins given back open a session, with the password given back."""
    backend, accounts = opened
    roles = []
    for email in (accounts.administrator, *accounts.teachers, accounts.students[0], accounts.students[-1]):
        ticket = backend.sign_in.issue_ticket(backend.sign_in.authenticate(email, accounts.password), "browser")
        roles.append(backend.sign_in.viewer(backend.sign_in.redeem_ticket(ticket, "browser", "test")).role)
    assert roles == ["admin", "teacher", "teacher", "teacher", "student", "student"]


def test_summaries_equal_a_recount(opened: Opened) -> None:
    """Totals, subjects and study days are what the progress records add up to."""
    backend, _accounts = opened
    chapters = {chapter.id: chapter for chapter in backend.chapters.every()}
    for record in records(backend):
        own = record.progress.values()
        total = record.summary.total
        assert total.solved == sum(each.question_solved for each in own) == sum(day.solved for day in record.days)
        assert total.completed == sum(each.status == "Completed" for each in own)
        assert total.in_progress == sum(each.status == "In Progress" for each in own)
        assert total.weak == sum(each.is_weak_chapter for each in own)
        assert total.completed == sum(day.completed for day in record.days)
        assert record.summary.studied_days == sum(rules.counts_as_studied(day) for day in record.days)
        solved = Counter[str]()
        for each in own:
            solved[chapters[each.chapter_id].subject] += each.question_solved
        assert {counts.subject: counts.solved for counts in record.summary.subjects} == dict(solved)


def test_progress_keeps_its_rules(opened: Opened) -> None:
    """Nothing solved means Not Started; hardly anywhere is more solved than past papers asked."""
    backend, _accounts = opened
    totals = {chapter.id: chapter.question_total for chapter in backend.chapters.every()}
    every = [own for record in records(backend) for own in record.progress.values()]
    assert all((own.status == "Not Started") == (own.question_solved == 0) for own in every)
    assert sum(own.question_solved > totals[own.chapter_id] for own in every) < 0.1 * len(every)


def test_everything_lies_in_the_past(opened: Opened) -> None:
    """Nobody saved anything before joining, before the school's first day, or after now."""
    backend, _accounts = opened
    today = backend.progress.today(HEAD)
    for user in users(backend, "student"):
        record = backend.progress.record(user.id)
        moments = [own.updated_at for own in record.progress.values() if own.updated_at]
        assert all(user.created_at < moment < backend.clock.now() for moment in moments)
        assert all(0 <= (today - day.day).days <= SMALL["days"] for day in record.days)
        assert (user.last_sign_in_at is None) == (not record.days)


def test_somebody_is_new_and_somebody_has_stopped(opened: Opened) -> None:
    """The new have no record at all; those who stopped saved nothing for two weeks, those who began did lately."""
    backend, _accounts = opened
    found, today = by_habit(backend), backend.progress.today(HEAD)
    assert found[Habit.NEW]
    assert not any(record.progress or record.days for record in found[Habit.NEW])
    assert found[Habit.STOPPED]
    assert all((today - record.days[-1].day).days > 14 for record in found[Habit.STOPPED])
    assert all((today - record.days[-1].day).days < 14 for record in found[Habit.STEADY])


def test_those_who_stopped_are_flagged(opened: Opened) -> None:
    """The class report finds somebody at risk, with reasons, and more who are on track."""
    backend, _accounts = opened
    classes = backend.classrooms.classrooms(HEAD)
    rows = [row for classroom in classes for row in backend.reports.report(HEAD, classroom.id).learners]
    flags = Counter(row.flag for row in rows)
    assert flags["at risk"] >= 1
    assert flags["on track"] > flags["at risk"]
    assert all(row.reasons for row in rows if row.flag == "at risk")


def test_the_public_password_opens_nothing_else(opened: Opened) -> None:
    """There is no account beyond those given back that the published password would open."""
    backend, accounts = opened
    known = {accounts.administrator, *accounts.teachers, *accounts.students}
    assert {user.email for user in users(backend)} == known
    with pytest.raises(NotSignedIn):
        backend.sign_in.authenticate("principal@demo.school", accounts.password)
