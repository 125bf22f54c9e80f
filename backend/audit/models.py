"""Shapes of the audit trail: the acts it knows, one entry, a page of entries, what a check found."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from backend.kit.model import Shape
from backend.kit.origin import Origin

Act = Literal[
    "user.created", "user.role_changed", "user.activated", "user.deactivated", "user.viewed", "user.imported",
    "password.link_made", "password.reset", "password.changed", "email.changed",
    "session.revoked", "sessions.revoked", "second_factor.enabled", "second_factor.disabled", "second_factor.reset",
    "chapter.created", "chapter.updated", "chapter.archived", "chapter.brought_back", "chapters.imported",
    "chapters.import_undone", "chapters.exported", "classroom.created", "classroom.renamed", "classroom.code_renewed",
    "classroom.board_changed", "classroom.archived", "classroom.brought_back", "classroom.viewed",
    "classroom.exported", "student.viewed", "student.removed",
    "statistics.rebuilt", "job.started", "cache.cleared", "memory.traced", "settings.changed", "limits.changed",
    "backup.created", "backup.verified", "backup.tried", "backup.downloaded", "backup.deleted", "backup.restored",
    "audit.exported", "audit.forgotten", "data.exported", "deletion.requested", "deletion.cancelled",
    "deletion.fulfilled", "tombstones.applied",
]  # fmt: skip
TargetKind = Literal[
    "user",
    "session",
    "chapter",
    "catalogue",
    "classroom",
    "cache",
    "settings",
    "backup",
    "audit",
    "statistics",
    "job",
]
Fact = str | int | float | bool | None
Facts = Mapping[str, Fact]

SYSTEM = "system"  # who acted where nobody was signed in: the server itself, or whoever may run commands on it


class Entry(Shape, frozen=True, kw_only=True):
    """One act. People stand in it by id alone; `origin` is gone once the person who acted was deleted."""

    id: int
    at: datetime
    actor_id: str
    actor_role: str
    act: str
    target_kind: str
    target_id: str
    before: dict[str, Fact] = msgspec.field(default_factory=dict)
    after: dict[str, Fact] = msgspec.field(default_factory=dict)
    origin: Origin | None = None


class SealedEntry(Entry, frozen=True, kw_only=True):
    """An entry with what chains it to the one before: any later change of either is found by `chain.broken_at`."""

    salt: str | None = None
    origin_hash: str
    previous_hash: str
    hash: str


class AuditFilter(Shape, frozen=True, kw_only=True):
    """Which entries are wanted; None for any. `people` are ids, of who acted or to whom it was done."""

    people: tuple[str, ...] | None = None
    act: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class EntryPage(Shape, frozen=True, kw_only=True):
    """Newest first. `next_before` continues; None at the end. `names` are of the people who still have accounts."""

    entries: tuple[Entry, ...]
    next_before: int | None
    names: dict[str, str]


class ChainState(Shape, frozen=True, kw_only=True):
    """The result of a check of the whole trail: `broken_at` is the first entry that is not as it was written."""

    checked_at: datetime
    entries: int
    broken_at: int | None = None
