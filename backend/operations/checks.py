"""What each fact about the running system means: its state, one line, and how to fix it. Pure: nothing is asked."""

from datetime import datetime, timedelta

from backend.audit.models import ChainState
from backend.backups.models import BackupState
from backend.kit.cache import RegionStatistics
from backend.kit.i18n import _, listing, ngettext, number, percent
from backend.kit.redis import ServerDescription
from backend.operations.jobs import JobReport
from backend.operations.machine import Disk, Memory
from backend.operations.models import Check, State
from backend.operations.queries import Deployment, Unused
from backend.statistics.models import ProjectorHealth

SLOW_MS = 250.0
DISK_WARNING_SHARE, DISK_WARNING_BYTES = 0.05, 2_000_000_000
DISK_CRITICAL_BYTES = 300_000_000
MEMORY_WARNING_SHARE = 0.08  # of the machine still available
LAG_WARNING_SECONDS, LAG_ERROR_SECONDS = 10.0, 120.0
MILLISECONDS = 1_000
BACKUP_LATE, BACKUP_MISSING, DRILL_LATE = timedelta(hours=26), timedelta(days=3), timedelta(days=9)
NONE_UNUSED = Unused()


def titles() -> dict[str, str]:
    """The name of each check in words, in the order in which they are shown."""
    return {
        "mongodb": _("MongoDB"),
        "redis": _("Redis"),
        "cache": _("Cache"),
        "worker": _("Statistics worker"),
        "jobs": _("Background jobs"),
        "indexes": _("Database indexes"),
        "backups": _("Backups"),
        "disk": _("Disk"),
        "memory": _("Memory"),
        "secrets": _("Secrets"),
        "audit": _("Audit trail"),
        "demo": _("Demo sign-ins"),
    }


def check(name: str, state: State, summary: str, *, detail: str = "", fix: str = "", ms: float | None = None) -> Check:
    """A check under its title."""
    return Check(name=name, title=titles()[name], state=state, summary=summary, detail=detail, fix=fix, latency_ms=ms)


def mongodb(found: Deployment) -> Check:
    """The database answered: is it a healthy replica set, and fast enough?"""
    ms = found.round_trip_seconds * MILLISECONDS
    away = [member.name for member in found.members if not member.is_healthy]
    detail = " · ".join(f"{member.name} {member.state}" for member in found.members)
    if not (found.replica_set or found.is_sharded):
        fix = _("Start mongod with --replSet and run rs.initiate(): saving progress needs transactions.")
        return check("mongodb", "error", _("A single server without a replica set"), fix=fix, ms=ms)
    summary = _("MongoDB {version}, {place}").format(version=found.version, place=_place(found))
    if away:
        fix = _("Look at the log of {servers} and start it again.").format(servers=listing(away))
        return check("mongodb", "warning", summary, detail=detail, fix=fix, ms=ms)
    if ms > SLOW_MS:
        fix = _("Look for slow queries below, and at the disk of the database server.")
        return check("mongodb", "warning", summary, detail=detail, fix=fix, ms=ms)
    return check("mongodb", "ok", summary, detail=detail, ms=ms)


def _place(found: Deployment) -> str:
    if found.is_sharded:
        return _("sharded cluster")
    if not found.members:
        return _("replica set {name}").format(name=found.replica_set)
    words = ngettext(
        "replica set {name}, {healthy} of {count} member healthy",
        "replica set {name}, {healthy} of {count} members healthy",
        len(found.members),
    )
    healthy = sum(member.is_healthy for member in found.members)
    return words.format(name=found.replica_set, healthy=number(healthy), count=number(len(found.members)))


def redis(seconds: float, server: ServerDescription) -> Check:
    """Redis answered by value."""
    ms = seconds * MILLISECONDS
    summary = _("{server} {version}, {memory} in use").format(
        server=server.name, version=server.version, memory=size(server.used_memory_bytes)
    )
    clients = ngettext("{count} connection", "{count} connections", server.clients)
    nodes = ngettext("{count} node", "{count} nodes", server.nodes)
    detail = f"{nodes.format(count=number(server.nodes))} · {clients.format(count=number(server.clients))}"
    if ms > SLOW_MS:
        return check("redis", "warning", summary, detail=detail, fix=_("Redis is slow: look at its host."), ms=ms)
    return check("redis", "ok", summary, detail=detail, ms=ms)


def cache(is_healthy: bool, regions: tuple[RegionStatistics, ...]) -> Check:
    """Whether this process may serve from its own memory, and how much of what was read came from a cache."""
    reads = sum(each.hits_local + each.hits_redis + each.misses for each in regions)
    hits = sum(each.hits_local + each.hits_redis for each in regions)
    share = _("{share} of {count} reads answered without the database").format(
        share=percent(hits / reads) if reads else "–", count=number(reads)
    )
    if is_healthy:
        return check("cache", "ok", share)
    fix = _("It comes back by itself once Redis answers. Until then every read goes to the database.")
    return check("cache", "warning", _("The in-process layer waits for Redis"), detail=share, fix=fix)


def disk(found: Disk, folder: str) -> Check:
    """Room for data, backups and logs."""
    share = found.free_bytes / found.total_bytes if found.total_bytes else 0.0
    summary = _("{free} free of {total} ({share})").format(
        free=size(found.free_bytes), total=size(found.total_bytes), share=percent(share)
    )
    fix = _("Make room on the disk of {folder}, or move DATA_DIR to a larger one.").format(folder=folder)
    if found.free_bytes < DISK_CRITICAL_BYTES:
        return check("disk", "critical", summary, detail=folder, fix=fix)
    if share < DISK_WARNING_SHARE and found.free_bytes < DISK_WARNING_BYTES * 5:
        return check("disk", "warning", summary, detail=folder, fix=fix)
    if found.free_bytes < DISK_WARNING_BYTES:
        return check("disk", "warning", summary, detail=folder, fix=fix)
    return check("disk", "ok", summary, detail=folder)


def memory(found: Memory) -> Check:
    """Memory of this process beside what the machine has left."""
    summary = _("{own} used by this process, {available} free on the machine").format(
        own=size(found.own_bytes), available=size(found.available_bytes)
    )
    if found.available_bytes < MEMORY_WARNING_SHARE * found.total_bytes:
        return check("memory", "warning", summary, fix=_("Close other programs, or give the machine more memory."))
    return check("memory", "ok", summary)


def secrets(readable: tuple[str, ...]) -> Check:
    """Whether secrets in the data folder are private to the user who runs the app."""
    if not readable:
        return check("secrets", "ok", _("Readable by the user who runs the app alone"))
    words = ngettext(
        "{count} file can be read by other users of this machine",
        "{count} files can be read by other users of this machine",
        len(readable),
    )
    fix = _("Run: chmod -R go-rwx {path}").format(path=readable[0])
    detail = listing(list(readable[:5]))
    return check("secrets", "error", words.format(count=number(len(readable))), detail=detail, fix=fix)


def audit(found: ChainState | None) -> Check:
    """Whether the audit trail is as it was written."""
    if found is None or not found.entries:
        return check("audit", "ok", _("Nothing written yet"))
    if found.broken_at is not None:
        fix = _("Somebody changed the database. Compare the trail with the logs and a backup, and change passwords.")
        words = _("Changed from entry {number} on").format(number=number(found.broken_at))
        return check("audit", "error", words, fix=fix)
    words = ngettext("{count} entry checked, as it was written", "{count} entries checked, as they were written",
                     found.entries)  # fmt: skip
    return check("audit", "ok", words.format(count=number(found.entries)))


def indexes(missing: tuple[str, ...], unused: Unused = NONE_UNUSED) -> Check:
    """Whether every index that the features declare is there, and which of them nothing asks for."""
    if not missing and unused.names:
        words = ngettext(
            "All present; {count} was not used in {days} days",
            "All present; {count} were not used in {days} days",
            len(unused.names),
        )
        fix = _("Nothing is broken. An index that stays unused only costs writes: tell whoever develops the app.")
        summary = words.format(count=number(len(unused.names)), days=number(unused.watched.days))
        return check("indexes", "info", summary, detail=listing(list(unused.names[:8])), fix=fix)
    if not missing:
        return check("indexes", "ok", _("All present"))
    words = ngettext("{count} index is missing", "{count} indexes are missing", len(missing))
    fix = _("Restart the app: it makes them at the start. Pages are slow and duplicates possible until then.")
    summary = words.format(count=number(len(missing)))
    return check("indexes", "error", summary, detail=listing(list(missing[:8])), fix=fix)


def demo(people: int, *, is_production: bool) -> Check:
    """Whether accounts exist whose password stands in the documentation."""
    if not people:
        return check("demo", "ok", _("None: nobody can sign in with a published password"))
    words = ngettext(
        "{count} account has a password that everybody can read in the documentation",
        "{count} accounts have a password that everybody can read in the documentation",
        people,
    )
    fix = _("Fine for trying things out. Before real people come, start with an empty DATA_DIR.")
    if is_production:
        fix = _("Deactivate these accounts on the Users page, or start with an empty database.")
    return check("demo", "critical" if is_production else "info", words.format(count=number(people)), fix=fix)


def worker(found: ProjectorHealth | None) -> Check:
    """Whether statistics over all students are kept, and how far they are behind."""
    if found is None or (found.owner is None and not found.is_alive):
        fix = _("Nothing to do if the app has just started; otherwise restart it.")
        return check("worker", "unknown", _("No worker has reported yet"), fix=fix)
    if not found.is_alive:
        fix = _("Restart the app or the worker. Students' own pages are right meanwhile; class averages are old.")
        return check("worker", "error", _("The worker has stopped"), detail=found.owner or "", fix=fix)
    lag = found.lag_seconds or 0.0
    summary = _("{seconds} s behind").format(seconds=number(round(lag, 1)))
    if lag > LAG_WARNING_SECONDS:
        state: State = "error" if lag > LAG_ERROR_SECONDS else "warning"
        fix = _("It catches up by itself after a burst. If the number keeps growing, look at the database.")
        return check("worker", state, summary, detail=found.owner or "", fix=fix)
    return check("worker", "ok", summary, detail=found.owner or "")


def jobs(found: tuple[JobReport, ...]) -> Check:
    """Whether somebody runs the jobs, and how their last runs ended."""
    if not any(each.is_tended for each in found):
        fix = _("Nothing to do if the app has just started; otherwise start the app or python -m backend.worker.")
        return check("jobs", "unknown", _("No scheduler has reported"), fix=fix)
    failed = [each.name for each in found if each.last and each.last.state == "failed"]
    if failed:
        words = ngettext("The last run of {count} job failed", "The last runs of {count} jobs failed", len(failed))
        fix = _("Read under Jobs what went wrong, put it right, and let it run again.")
        return check("jobs", "warning", words.format(count=number(len(failed))), detail=listing(failed), fix=fix)
    words = ngettext("{count} job, no failure", "{count} jobs, no failure", len(found))
    return check("jobs", "ok", words.format(count=number(len(found))))


def backups(found: BackupState | None, now: datetime) -> Check:
    """Whether last night's backup is there, and whether the newest trial restore of one went well."""
    if found is None or not found.is_configured:
        fix = _("Name a folder or an S3 bucket in BACKUP_URL, on another machine if you can.")
        return check("backups", "warning", _("No place for backups is set"), fix=fix)
    if found.failure:
        fix = _("Put right what it says, then run the job backup.")
        return check("backups", "error", _("The last backup failed"), detail=found.failure, fix=fix)
    if found.last is None:
        fix = _("The first one is taken at 2 o'clock tonight; run the job backup to have one now.")
        return check("backups", "info", _("None yet"), detail=found.place, fix=fix)
    age = now - found.last.taken_at
    if age > BACKUP_LATE:
        state: State = "error" if age > BACKUP_MISSING else "warning"
        summary = _("The newest is {hours} h old").format(hours=number(round(age / timedelta(hours=1))))
        fix = _("Does the app or the worker run at night? Run the job backup, and look at its last runs.")
        return check("backups", state, summary, detail=found.place, fix=fix)
    if found.drill and not found.drill.has_passed:
        fix = _("Take a backup and run the job backup-drill. If it fails again, something in the data is wrong.")
        return check("backups", "error", _("The last trial restore failed"), detail=found.drill.problems[0], fix=fix)
    is_tried = found.drill is not None and now - found.drill.at < DRILL_LATE
    summary = _("The newest is {hours} h old, {size}").format(
        hours=number(round(age / timedelta(hours=1))), size=size(found.last.stored_bytes)
    )
    if not is_tried:
        fix = _("The next trial restore is on Sunday night; run the job backup-drill to have one now.")
        return check("backups", "info", summary, detail=_("No trial restore in the last week"), fix=fix)
    return check("backups", "ok", summary, detail=found.place)


def size(count: float) -> str:
    """Bytes in words, in steps of 1,000: "1.2 GB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1_000:  # noqa: PLR2004 (one digit)  (the step between units)
            return f"{number(round(count, 1 if count < 10 else 0))} {unit}"  # noqa: PLR2004 (one digit)
        count /= 1_000
    return f"{number(round(count, 1))} TB"
