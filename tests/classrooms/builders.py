"""The reading side of classrooms over a test's backend, and learners made by hand for the pure rules."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.classrooms.models import LearnerRecord, Member
from backend.progress.models import ProgressChange, Saved, StudyDay, SummaryRecord

TODAY = date(2026, 11, 18)
NOON = datetime(2026, 11, 18, 6, 30, tzinfo=UTC)  # noon in Kolkata


def save(backend: Backend, viewer: Viewer, position: int, key: str, change: ProgressChange) -> Saved:
    """One saved change on the chapter at `position` of the syllabus, whatever it does to past-paper totals."""
    chapter = backend.chapters.active()[position]
    return backend.progress.change(viewer, chapter.id, change, key=key, confirm=True)


def learner(
    name: str = "Sita",
    *,
    joined_days_ago: int = 60,
    quiet_days: int | None = 0,
    days: dict[int, tuple[int, int]] | None = None,
) -> LearnerRecord:
    """A learner whose `days` are given as {days ago: (solved, completed)}."""
    return LearnerRecord(
        member=Member(
            id=name.casefold(),
            name=name,
            time_zone="Asia/Kolkata",
            joined_at=NOON - timedelta(days=joined_days_ago),
            known_since=NOON - timedelta(days=joined_days_ago),
        ),
        summary=SummaryRecord(
            id=name.casefold(), last_activity_at=None if quiet_days is None else NOON - timedelta(days=quiet_days)
        ),
        days=tuple(
            StudyDay(day=TODAY - timedelta(days=ago), solved=solved, completed=completed, changes=1)
            for ago, (solved, completed) in sorted((days or {}).items(), reverse=True)
        ),
    )


def queries_of(backend: Backend, read: Callable[[], object], *, is_cold: bool = True) -> list[dict[str, Any]]:
    """The commands that `read` sent to MongoDB, by the server's own profile, with nothing in the cache if `is_cold`."""
    database = backend.mongo.database
    if is_cold:
        backend.cache.invalidate("*")
    database.command("profile", 0)
    database.drop_collection("system.profile")
    database.command("profile", 2)
    read()
    database.command("profile", 0)
    not_ours = {"ns": {"$regex": "system.profile$"}}, {"command.profile": {"$exists": True}}
    return list(database["system.profile"].find({"$nor": list(not_ours)}))
