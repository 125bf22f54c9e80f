"""Shapes of backups: one archive, a drill, what a restore would change, and how well the school is kept."""

from datetime import datetime

from backend.kit.shape import Shape

# Made anew by whoever needs it, or worthless later: sessions that ended must not come back.
LEFT_OUT = frozenset(
    {
        *("sessions", "tickets", "replays", "leases", "healthChecks", "journalMarkers", "projectorState"),
        *("jobs", "jobRuns", "boardState", "backupState"),
    }
)
# In every archive, but a school with people in it that goes back in time keeps its present ones: what was done stays
# written down, and who was deleted stays deleted.
KEPT_ON_RESTORE = frozenset({"audit", "auditHead", "deletions", "tombstones"})


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


class CollectionChange(Shape, frozen=True, kw_only=True):
    """One collection: how many documents there are now, and in the archive."""

    name: str
    now: int
    then: int


class Preview(Shape, frozen=True, kw_only=True):
    """What a restore would put in place of what. `until` is the time that it would lead back to."""

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
    is_read_only: bool = False
    can_roll_back: bool = False
