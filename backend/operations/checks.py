"""Rate facts about the servers and the data: state, one line, how to fix it. Pure: no input or output."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from backend.audit.models import ChainState
from backend.backups.models import BackupState
from backend.kit.breaker import BreakerFigures
from backend.kit.cache import CacheRegion
from backend.kit.i18n import _, day, listing, ngettext, number, percent
from backend.kit.mongo import end_of_life
from backend.kit.redis.client import ServerDescription
from backend.mails.models import OutboxState
from backend.operations.check_titles import check, size
from backend.operations.jobs import JobReport
from backend.operations.models import Check, Instance, State
from backend.operations.queries import Deployment, Unused
from backend.operations.server_queries import Behind, Oplog
from backend.statistics.models import ProjectorHealth

SLOW_MS = 250.0
LAG_WARNING_SECONDS, LAG_ERROR_SECONDS = 10.0, 120.0
MILLISECONDS = 1_000
BACKUP_LATE, BACKUP_MISSING, DRILL_LATE = timedelta(hours=26), timedelta(days=3), timedelta(days=9)
REPLICA_WARNING_SECONDS, REPLICA_ERROR_SECONDS = 10.0, 60.0
OPLOG_WARNING_SECONDS, OPLOG_ERROR_SECONDS = 3_600.0, 600.0
NONE_UNUSED = Unused()


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


def release(version: str, today: date) -> Check:
    """Faults in this release series of MongoDB are still mended."""
    end = end_of_life.ends_on(version)
    if end is None:
        return check("release", "ok", _("MongoDB {version}").format(version=version))
    if end >= today:
        summary = _("MongoDB {version}, maintained until {day}").format(version=version, day=day(end))
        return check("release", "ok", summary)
    summary = _("MongoDB {version}, without security fixes since {day}").format(version=version, day=day(end))
    return check("release", "warning", summary, fix=_("Install a newer MongoDB: docs/deployment.md says how."))


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


def cache(is_healthy: bool, regions: tuple[CacheRegion, ...]) -> Check:
    """Whether this process may serve from its own memory, and how much of what was read came from a cache."""
    reads = sum(each.hits_app + each.hits_redis + each.misses for each in regions)
    hits = sum(each.hits_app + each.hits_redis for each in regions)
    share = _("{share} of {count} reads answered without the database").format(
        share=percent(hits / reads) if reads else "–", count=number(reads)
    )
    if is_healthy:
        return check("cache", "ok", share)
    fix = _("It recovers by itself once Redis answers. Until then every read goes to the database.")
    return check("cache", "warning", _("The in-process layer waits for Redis"), detail=share, fix=fix)


def audit(found: ChainState | None) -> Check:
    """Whether the audit trail is as it was written."""
    if found is not None and found.broken_at is not None:  # of the very first as well, before which nothing counts
        fix = _("Somebody changed the database. Compare the trail with the logs and a backup, and change passwords.")
        words = _("Changed from entry {number} on").format(number=number(found.broken_at))
        return check("audit", "error", words, fix=fix)
    if found is None or not found.entries:
        return check("audit", "ok", _("Nothing written yet"))
    words = ngettext("{count} entry checked, as it was written", "{count} entries checked, as they were written",
                     found.entries)  # fmt: skip
    return check("audit", "ok", words.format(count=number(found.entries)))


def indexes(missing: tuple[str, ...], unused: Unused = NONE_UNUSED, building: tuple[str, ...] = ()) -> Check:
    """Whether every index that the features declare is there, which are being built, and which nothing asks for."""
    if building:
        words = _("Being built: {names}").format(names=listing(list(building[:8])))
        fix = _("Nothing to do: pages that need it are slow until it is there.")
        return check("indexes", "info", words, fix=fix)
    if not missing and unused.names:
        words = ngettext(
            "All present; {count} was not used in {days} days",
            "All present; {count} were not used in {days} days",
            len(unused.names),
        )
        fix = _("Nothing is broken. An unused index only makes writes slower: tell the developers of the app.")
        summary = words.format(count=number(len(unused.names)), days=number(unused.watched.days))
        return check("indexes", "info", summary, detail=listing(list(unused.names[:8])), fix=fix)
    if not missing:
        return check("indexes", "ok", _("All present"))
    words = ngettext("{count} index is missing", "{count} indexes are missing", len(missing))
    fix = _("Run the job index-check, or restart the app. Pages are slow and duplicates possible until then.")
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
        return check("worker", state, summary, detail=found.owner or "", fix=fix, value=lag)
    return check("worker", "ok", summary, detail=found.owner or "", value=lag)


def jobs(found: tuple[JobReport, ...]) -> Check:
    """Whether somebody runs the jobs, and how their last runs ended."""
    if not any(each.is_tended for each in found):
        fix = _("Nothing to do if the app has just started; otherwise start the app or python -m backend.worker.")
        return check("jobs", "unknown", _("No scheduler has reported"), fix=fix)
    failed = [each.name for each in found if each.last and each.last.state == "failed"]
    if failed:
        words = ngettext("The last run of {count} job failed", "The last runs of {count} jobs failed", len(failed))
        fix = _("See under Jobs what went wrong, fix it, and run it again.")
        return check("jobs", "warning", words.format(count=number(len(failed))), detail=listing(failed), fix=fix)
    words = ngettext("{count} job, no failure", "{count} jobs, no failure", len(found))
    return check("jobs", "ok", words.format(count=number(len(found))))


def backups(found: BackupState | None, now: datetime) -> Check:
    """Whether last night's backup is there, and whether the newest trial restore of one went well."""
    if found is None or not found.is_configured:
        fix = _("Name a folder or an S3 bucket in BACKUP_URL, on another machine if you can.")
        return check("backups", "warning", _("No backup location is set"), fix=fix)
    if found.failure:
        fix = _("Fix what it says, then run the job backup.")
        return check("backups", "error", _("The last backup failed"), detail=found.failure, fix=fix)
    if found.last is None:
        fix = _("The first one is taken at 2 o'clock tonight; run the job backup to have one now.")
        return check("backups", "info", _("None yet"), detail=found.place, fix=fix)
    age = now - found.last.taken_at
    old = age.total_seconds()
    if age > BACKUP_LATE:
        state: State = "error" if age > BACKUP_MISSING else "warning"
        summary = _("The newest is {hours} h old").format(hours=number(round(age / timedelta(hours=1))))
        fix = _("Does the app or the worker run at night? Run the job backup, and look at its last runs.")
        return check("backups", state, summary, detail=found.place, fix=fix, value=old)
    if found.drill and not found.drill.has_passed:
        fix = _("Take a backup and run the job backup-drill. If it fails again, something is wrong in the data.")
        return check(
            "backups", "error", _("The last trial restore failed"), detail=found.drill.problems[0], fix=fix, value=old
        )
    is_tried = found.drill is not None and now - found.drill.at < DRILL_LATE
    summary = _("The newest is {hours} h old, {size}").format(
        hours=number(round(age / timedelta(hours=1))), size=size(found.last.stored_bytes)
    )
    if not is_tried:
        fix = _("The next trial restore is on Sunday night; run the job backup-drill to have one now.")
        return check("backups", "info", summary, detail=_("No trial restore in the last week"), fix=fix, value=old)
    return check("backups", "ok", summary, detail=found.place, value=old)


def replicas(found: tuple[Behind, ...] | None) -> Check:
    """How far the copies of the database are behind: what is read from them is so old."""
    if found is None:
        return check("replicas", "ok", _("The database user may not read them"))
    if not found:
        return check("replicas", "ok", _("None: a single server has no delay"))
    worst = max(found, key=lambda each: each.seconds)
    detail = " · ".join(f"{each.name} {number(round(each.seconds))} s" for each in found)
    summary = _("{seconds} s behind at most").format(seconds=number(round(worst.seconds)))
    if worst.seconds <= REPLICA_WARNING_SECONDS:
        return check("replicas", "ok", summary, detail=detail, value=worst.seconds)
    state: State = "error" if worst.seconds > REPLICA_ERROR_SECONDS else "warning"
    fix = _("Look at {server}: is it running, and are its disk and network fast enough?").format(server=worst.name)
    return check("replicas", state, summary, detail=detail, fix=fix, value=worst.seconds)


def oplog(found: Oplog | None, *, keeps_journal: bool) -> Check:
    """Rate whether a reader that was away (the worker, a copy, the journal) can go on where it stopped."""
    if found is None:
        return check("oplog", "ok", _("The database user may not read it"))
    hours = number(round(found.window_seconds / 3600, 1))
    if not found.is_full:
        return check("oplog", "ok", _("Everything since {hours} h, with room left").format(hours=hours))
    summary = _("{hours} h").format(hours=hours)
    window = found.window_seconds
    if window >= OPLOG_WARNING_SECONDS:
        return check("oplog", "ok", summary, value=window)
    state: State = "error" if keeps_journal and window < OPLOG_ERROR_SECONDS else "warning"
    fix = _("Make it larger: db.adminCommand({replSetResizeOplog: 1, size: MEGABYTES}). A member that is away "
            "for longer than this has to start over, and the journal of backups gets a gap.")  # fmt: skip
    return check("oplog", state, summary, fix=fix, value=window)


def breakers(found: Sequence[BreakerFigures]) -> Check:
    """Whether this process lets calls to its servers through."""
    away = [each.name for each in found if each.state != "closed"]
    if away:
        fix = _("It closes by itself once the server answers: look after the server first.")
        words = _("Open: {names}").format(names=listing(away))
        detail = next(each.reason for each in found if each.state != "closed")
        return check("breakers", "warning", words, detail=detail, fix=fix, value=float(len(away)))
    opened = sum(each.opened for each in found)
    if not opened:
        return check("breakers", "ok", _("Closed: calls go through"), value=0.0)
    words = ngettext("Closed; opened {count} time since this process started",
                     "Closed; opened {count} times since this process started", opened)  # fmt: skip
    return check("breakers", "ok", words.format(count=number(opened)), value=0.0)


def instances(found: tuple[Instance, ...]) -> Check:
    """Which processes of the app are there, and whether one fell silent."""
    alive = [each for each in found if each.is_alive]
    lost = [each for each in found if not each.is_alive]
    if not found:
        fix = _("Nothing to do if the app has just started.")
        return check("instances", "unknown", _("No process has reported yet"), fix=fix)
    words = ngettext("{count} process is there", "{count} processes are there", len(alive))
    summary = words.format(count=number(len(alive)))
    versions = sorted({each.version for each in alive})
    value = float(len(alive))
    if lost:
        gone = ngettext("{count} fell silent in the last ten minutes", "{count} fell silent in the last ten minutes",
                        len(lost)).format(count=number(len(lost)))  # fmt: skip
        detail = listing([f"{each.role} {each.host} {each.pid}" for each in lost])
        fix = _("It was killed, or its machine is gone. If nobody intended that, look at the end of its log.")
        return check("instances", "warning", f"{summary}; {gone}", detail=detail, fix=fix, value=value)
    if len(versions) > 1:
        fix = _("Nothing to do during an upgrade; otherwise restart those with the old version.")
        return check("instances", "info", summary, detail=listing(versions), fix=fix, value=value)
    return check("instances", "ok", summary, value=value)


WAITING_LONG = timedelta(minutes=30)
RECENT = timedelta(days=1)


def mail(found: OutboxState, now: datetime) -> Check:
    """Letters leave within seconds; one that waits half an hour, or was given up since yesterday, wants a look."""
    if not found.is_configured:
        fix = _("Set SMTP_URL to the mail server of the school.")
        return check("mail", "info", _("No mail is sent"), fix=fix)
    waiting = ngettext("{count} e-mail is waiting", "{count} e-mails are waiting", found.queued).format(
        count=number(found.queued)
    )
    if found.oldest_at is not None and now - found.oldest_at > WAITING_LONG:
        fix = _("Check that the mail server of SMTP_URL answers, and accepts the password and the sender.")
        return check("mail", "warning", waiting, fix=fix, value=found.queued)
    if found.last_failed_at is not None and now - found.last_failed_at < RECENT:
        fix = _("Look at the reason: either this one address is wrong, or the server refuses every e-mail.")
        return check(
            "mail",
            "warning",
            _("An e-mail could not be delivered"),
            detail=found.last_failure,
            fix=fix,
            value=found.queued,
        )
    return check("mail", "ok", waiting if found.queued else _("Nothing is waiting"), value=found.queued)
