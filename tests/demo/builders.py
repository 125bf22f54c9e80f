"""A small demo school, and what can be said of one in few words."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from backend.accounts.models import User, Viewer
from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.kit.clock import SetClock
from backend.kit.embedded import Servers
from tests.school import NOON

SMALL: dict[str, Any] = {"count": 16, "days": 40}
HEAD = Viewer(id="head", name="Head", email="head@example.org", role="admin")


@contextmanager
def empty_school(servers: Servers, folder: Path) -> Iterator[Backend]:
    """A backend over a database of its own, at noon of the tests' day."""
    settings = Settings(
        data_dir=folder,
        mongodb_uri=SecretStr(str(servers.mongodb_uri)),
        redis_url=SecretStr(str(servers.redis_url)),
        mongodb_database=f"test_{uuid.uuid4().hex[:12]}",
    )
    built = build(settings, clock=SetClock(NOON))
    yield built
    built.mongo.client.drop_database(settings.mongodb_database)
    built.close()


def users(backend: Backend, role: Any = None) -> list[User]:
    """Everybody with this role."""
    return list(backend.administration.users(HEAD, role=role, limit=200).users)


def digest(backend: Backend) -> dict[str, object]:
    """Each student's summary, choices and records in words that do not depend on ids."""
    names = {chapter.id: (chapter.subject, chapter.chapter) for chapter in backend.chapters.every()}
    found: dict[str, object] = {}
    for user in users(backend, "student"):
        record = backend.progress.record(user.id)
        summary = record.summary
        found[user.email] = (
            user.name,
            user.daily_goal,
            user.exam_date,
            user.board_name,
            user.created_at,
            summary.total,
            summary.subjects,
            summary.streak,
            summary.studied_days,
            summary.last_activity_at,
            [names[chapter_id] for chapter_id in summary.recent],
            sorted((names[key], own.status, own.question_solved) for key, own in record.progress.items()),
        )
    return found
