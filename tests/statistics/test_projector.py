"""The projector: each change counts exactly once, whoever leads, whatever was interrupted."""

import threading
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.kit.mongo.lease import LeaseLost, MongoLease
from backend.progress.models import ProgressChange
from backend.statistics.models import Change, Deltas
from backend.statistics.queries import KINDS, PROJECTOR, ActivityStream, ProjectorQueries
from tests.classrooms.builders import save
from tests.school import School
from tests.statistics.builders import catches_up, kept, projector, running, truth
from tests.waiting import eventually

FIVE = ProgressChange(questions_delta=5)


def awaited(stream: ActivityStream) -> Change:
    """The next change, which comes within 20 half seconds."""
    found = (stream.next() for _attempt in range(20))
    return next(change for change in found if change)


def leading(queries: ProjectorQueries, owner: str, seconds: float = 60) -> MongoLease:
    """The projector's lease, which is free."""
    lease = queries.lead(owner, seconds)
    assert lease is not None
    return lease


@pytest.fixture
def queries(backend: Backend) -> ProjectorQueries:
    return ProjectorQueries(backend.mongo)


def test_changes_reach_the_statistics(backend: Backend, student: Viewer) -> None:
    """What was saved before it ran and what is saved while it runs are both counted."""
    save(backend, student, 0, "a", FIVE)
    with running(projector(backend)):
        assert catches_up(backend)
        save(backend, student, 0, "b", ProgressChange(status="Completed", is_weak_chapter=True))
        save(backend, student, 1, "c", FIVE)
        assert catches_up(backend)
    assert sum(each.solved for each in kept(backend).values()) == 10
    assert sum(each.completed for each in kept(backend).values()) == 1


def test_an_undo_takes_the_student_out_again(backend: Backend, student: Viewer) -> None:
    """After the undo of her only change nobody has progress on the chapter."""
    saved = save(backend, student, 0, "a", FIVE)
    with running(projector(backend)):
        assert eventually(lambda: len(kept(backend)) == 1)
        backend.progress.undo(student, saved.batch_id)
        assert eventually(lambda: kept(backend) == {})


def test_a_restart_goes_on_where_it_stopped(backend: Backend, student: Viewer) -> None:
    """Changes saved while nobody led are counted once by the next leader."""
    with running(projector(backend)):
        save(backend, student, 0, "a", FIVE)
        assert catches_up(backend)
    save(backend, student, 0, "b", FIVE)
    with running(projector(backend)):
        assert catches_up(backend)
    assert [each.solved for each in kept(backend).values()] == [10]


def test_only_one_leads(backend: Backend, queries: ProjectorQueries) -> None:
    """While one holds the lease nobody else gets it; once let go, the next one leads under a higher epoch."""
    first = leading(queries, "one")
    assert queries.lead("two", 60) is None
    assert leading(queries, "one") == first
    first.release()
    assert leading(queries, "two").epoch == first.epoch + 1


def test_a_leader_that_was_replaced_writes_nothing(backend: Backend, queries: ProjectorQueries) -> None:
    """Who comes back after a take-over is refused by the epoch: her batch leaves no trace."""
    lease = leading(queries, "one", seconds=0.0)
    old = queries.claim(lease.epoch)
    new = queries.claim(leading(queries, "two").epoch)
    assert new.epoch == old.epoch + 1
    with pytest.raises(LeaseLost):
        queries.apply(old, {"chapter": Deltas(solved=5)}, {"_data": "00"})
    with pytest.raises(LeaseLost):
        queries.keep_leading(lease, 0.0)
    with pytest.raises(LeaseLost):
        queries.claim(old.epoch)
    assert kept(backend) == {}


def test_a_rebuild_beside_a_running_leader(backend: Backend, student: Viewer) -> None:
    """Rebuilt by somebody else in the middle of changes, nothing is lost and nothing counts twice."""
    with running(projector(backend)):
        for number in range(6):
            save(backend, student, number % 2, f"k{number}", FIVE)
            if number % 2:
                projector(backend).rebuild()
        assert catches_up(backend)
    assert sum(each.solved for each in kept(backend).values()) == 30


def test_a_batch_read_before_a_rebuild_is_refused_after_it(
    backend: Backend, student: Viewer, queries: ProjectorQueries
) -> None:
    """The rebuild has counted it already; the leader must look at the new place instead."""
    queries.rebuild()
    position = queries.claim(1)
    stream = queries.follow(position)
    save(backend, student, 0, "a", FIVE)
    change = awaited(stream)
    stream.close()
    queries.rebuild()
    with pytest.raises(LeaseLost):
        queries.apply(position, {change.chapter_id: change.deltas}, change.token)
    assert kept(backend) == truth(backend)


def test_wrong_statistics_are_put_right_by_a_rebuild(backend: Backend, student: Viewer) -> None:
    """Whatever stood there, a rebuild leaves what activity says, and says of how many chapters."""
    save(backend, student, 0, "a", FIVE)
    backend.mongo["chapterStatistics"].insert_one({"_id": "nonsense", "solved": 7})
    assert projector(backend).rebuild() == 1
    assert kept(backend) == truth(backend)


def test_the_stream_goes_on_just_after_a_rebuild(backend: Backend, student: Viewer, queries: ProjectorQueries) -> None:
    """What the rebuild counted is not in the stream that follows, and the very next change is."""
    for number in range(3):
        save(backend, student, 0, f"before{number}", FIVE)
        queries.rebuild()
        stream = queries.follow(queries.claim(1))
        assert stream.next() is None
        save(backend, student, 0, f"after{number}", FIVE)
        assert awaited(stream).deltas.solved == 5
        stream.close()


@pytest.mark.parametrize(
    "place", [{"token": {"_data": "82000000000000"}}, {"rebuiltAt": [1, 1]}], ids=["unknown token", "history gone"]
)
def test_a_lost_place_is_followed_by_a_rebuild(own_backend: Backend, place: dict[str, object]) -> None:
    """A place that the server does not know, or no longer has, makes the leader compute anew, by itself."""
    school = School(own_backend)
    student = school.student(school.classroom(school.teacher(school.admin())))
    save(own_backend, student, 0, "a", FIVE)
    own_backend.mongo["projectorState"].insert_one(
        {"_id": "chapterStatistics", "epoch": 0, "revision": 0, "kinds": KINDS} | place
    )
    with running(projector(own_backend)):
        assert catches_up(own_backend)
        save(own_backend, student, 0, "b", FIVE)
        assert catches_up(own_backend)


def test_an_error_does_not_end_it(backend: Backend, student: Viewer) -> None:
    """While MongoDB refuses a batch, the projector tries again; when it goes in, it counts once."""
    save(backend, student, 0, "a", FIVE)
    with running(projector(backend)):
        assert catches_up(backend)
        with capture_logs() as logs:
            backend.mongo.database.command({"collMod": "chapterStatistics", "validator": {"solved": {"$lt": 0}}})
            save(backend, student, 0, "b", FIVE)
            assert eventually(lambda: any(line["event"] == "projector_failed" for line in logs))
            backend.mongo.database.command({"collMod": "chapterStatistics", "validator": {}})
        assert catches_up(backend)
    assert [each.solved for each in kept(backend).values()] == [10]


def test_two_projectors_share_the_work_in_turn(backend: Backend, student: Viewer) -> None:
    """Two at once count everything once; when the leader stops, the other goes on."""
    first, second = projector(backend), projector(backend)
    with running(second):
        with running(first):
            save(backend, student, 0, "a", FIVE)
            assert catches_up(backend)
        save(backend, student, 0, "b", FIVE)
        assert catches_up(backend)
    assert [each.solved for each in kept(backend).values()] == [10]


def test_health_tells_who_leads_and_how_far_behind(backend: Backend) -> None:
    """Nobody ever led: no lag is known. While one leads the lag is small, afterwards nobody is alive."""
    assert backend.statistics.projector_health().lag_seconds is None
    leader = projector(backend)
    with running(leader):
        assert eventually(lambda: backend.statistics.projector_health().is_alive)
        assert eventually(lambda: leader.lag_seconds() is not None)
        assert (leader.lag_seconds() or 0) < 5
    assert not backend.statistics.projector_health().is_alive


@pytest.mark.parametrize("ahead", [timedelta(seconds=30), timedelta(days=1), timedelta(days=4000)], ids=str)
def test_a_lease_of_a_clock_that_ran_ahead_stops_nothing(backend: Backend, student: Viewer, ahead: timedelta) -> None:
    """However far in the future the lease of a dead leader ends, the next one leads within seconds."""
    with running(projector(backend)):
        assert catches_up(backend)
    future = backend.runs.now() + ahead
    backend.mongo["leases"].update_one({"_id": PROJECTOR}, {"$set": {"expiresAt": future, "movedAt": future}})
    save(backend, student, 0, "a", FIVE)
    with running(projector(backend)):
        assert catches_up(backend)


def test_health_sees_a_leader_that_stands_still(backend: Backend, student: Viewer, queries: ProjectorQueries) -> None:
    """A lease that is kept while nothing is applied hides nothing: the lag is the age of what waits."""
    with running(projector(backend)):
        assert catches_up(backend)
    still = leading(queries, "one that holds the lease and does nothing")
    before = {"movedAt": backend.runs.now() - timedelta(minutes=5), "lagSeconds": 0.0}
    backend.mongo["leases"].update_one({"_id": PROJECTOR}, {"$set": before})
    assert queries.health().lag_seconds == 0.0
    save(backend, student, 0, "a", FIVE)
    assert eventually(lambda: (queries.health().lag_seconds or 0.0) > 1.0)
    assert queries.health().is_alive
    still.release()
    assert (queries.health().lag_seconds or 0.0) > 1.0


def test_stopping_is_quick(backend: Backend) -> None:
    """A projector that waits for news ends when it is told to, and lets the lease go."""
    stop, one = threading.Event(), projector(backend)
    thread = threading.Thread(target=one.run, args=(stop,))
    thread.start()
    assert eventually(lambda: backend.statistics.projector_health().is_alive)
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
