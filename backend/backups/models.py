"""Shapes of backups: one archive, a drill, what a restore would change, and how well the school is kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backend.accounts.models import Viewer
from backend.kit.model import Shape

# Made anew by whoever needs it, or worthless later: sessions that ended must not come back.
LEFT_OUT = frozenset(
    {
        *("sessions", "tickets", "replays", "leases", "healthChecks", "journalMarkers", "projectorState"),
        *("jobs", "jobRuns", "boardState", "backupState"),
        *("instances", "vitals", "slowOperations"),
    }
)
# In every archive, but a school with people in it that goes back in time keeps its present ones: what was done stays
# written down, and who was deleted stays deleted.
KEPT_ON_RESTORE = frozenset({"audit", "auditHead", "deletions", "tombstones"})


class AtTerminal:
    """A person at the server's own terminal. Commands pass this on purpose; it never stands in for a missing viewer."""


AT_TERMINAL = AtTerminal()
Actor = Viewer | AtTerminal

TaskKind = Literal["take", "verify", "drill", "restore", "roll-back"]
TaskState = Literal["running", "done", "failed"]


class Backup(Shape, frozen=True, kw_only=True):
    """One archive. Bytes are as stored; `seconds` is how long it took."""

    id: str
    taken_at: datetime
    seconds: float
    documents: int
    stored_bytes: int
    raw_bytes: int
    collections: int
    is_sealed: bool
    app_version: str
    server_version: str


class Taken(Shape, frozen=True, kw_only=True):
    """A new archive, and the ids of what was deleted after it: those whose time was over, and unfinished ones."""

    backup: Backup
    thinned_out: tuple[str, ...]
    swept: tuple[str, ...]


class Drill(Shape, frozen=True, kw_only=True):
    """A trial restore of an archive into a scratch database. Without `problems` it passed."""

    backup_id: str
    at: datetime
    seconds: float
    documents: int
    problems: tuple[str, ...] = ()

    @property
    def has_passed(self) -> bool:
        return not self.problems


class Checks(Shape, frozen=True, kw_only=True):
    """The result of reading an archive again. Times are None where it never was; `damage` is empty when whole.

    `drill_problems` is of the last trial restore of this very archive.
    """

    id: str
    verified_at: datetime | None = None
    damage: str = ""
    drilled_at: datetime | None = None
    drill_problems: tuple[str, ...] = ()


class KeptBackup(Shape, frozen=True, kw_only=True):
    """An archive with what is known of it."""

    backup: Backup
    checks: Checks


class Reach(Shape, frozen=True, kw_only=True):
    """From an archive on, every second up to `until` can be had back."""

    since: datetime
    until: datetime


class Task(Shape, frozen=True, kw_only=True):
    """Long work on backups, done by one process and seen from all. `share` is how far it is, from 0 to 1.

    `message` is how it ended, in the language of whoever asked. A process that dies in it leaves "failed".
    """

    id: str
    kind: TaskKind
    state: TaskState
    backup_id: str = ""
    until: datetime | None = None
    share: float = 0.0
    collection: str = ""
    started_at: datetime
    ended_at: datetime | None = None
    message: str = ""
    asked_by: str = ""


class DownloadLink(Shape, frozen=True, kw_only=True):
    """The link to a backup's file, good until `expires_at`, in the session that asked for it. `size` is in bytes."""

    backup_id: str
    ticket: str
    expires_at: datetime
    name: str
    size: int
    is_sealed: bool


@dataclass(frozen=True)
class Download:
    """A file on its way out: exactly `size` bytes, unless it breaks off."""

    name: str
    size: int
    chunks: Iterator[bytes]


class CollectionChange(Shape, frozen=True, kw_only=True):
    """One collection: how many documents there are now, and in the archive."""

    name: str
    now: int
    then: int


class Preview(Shape, frozen=True, kw_only=True):
    """The changes that a restore would make. `until` is the time that it would lead back to."""

    backup: Backup
    until: datetime
    collections: tuple[CollectionChange, ...]


class BackupState(Shape, frozen=True, kw_only=True):
    """How well the school is kept. Times are None where it never happened; `failure` is of the last attempt."""

    is_configured: bool
    place: str = ""
    last: Backup | None = None
    failure: str = ""
    failed_at: datetime | None = None
    drill: Drill | None = None
    journal_until: datetime | None = None
    journal_from: datetime | None = None
    reach: Reach | None = None
    is_sealed: bool = False
    keeps_journal: bool = False
    can_roll_back: bool = False


class BackupReport(Shape, frozen=True, kw_only=True):
    """All archives, newest first, how well the school is kept, and how many of each period stay."""

    state: BackupState
    backups: tuple[KeptBackup, ...]
    kept_daily: int
    kept_weekly: int
    kept_monthly: int
    is_mail_sent: bool
