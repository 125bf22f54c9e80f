"""Rate facts about this machine and this process: state, one line, how to fix it. Pure: no input or output."""

from datetime import date, datetime, timedelta

from backend.kit.i18n import _, day, listing, ngettext, number, percent
from backend.kit.observability.trend import Slope
from backend.kit.security.certificates import Certificate
from backend.kit.security.keys import Key
from backend.operations.check_titles import check, size
from backend.operations.machine import Disk, Handles, Memory
from backend.operations.models import Check, State

DISK_WARNING_SHARE, DISK_WARNING_BYTES = 0.05, 2_000_000_000
DISK_CRITICAL_BYTES = 300_000_000
MEMORY_WARNING_SHARE = 0.08  # of the machine still available
GROWTH_BYTES = 50_000_000  # an hour, steadily, and by a tenth of what it was: a leak fills 4 GB in three days
GROWTH_SHARE = 0.1
FILES_WARNING_SHARE, FILES_OF_A_TAB = 0.8, 4
LOOP_WARNING_SECONDS, LOOP_ERROR_SECONDS = 0.25, 2.0
SKEW_WARNING_SECONDS, SKEW_ERROR_SECONDS = 2.0, 20.0  # a second factor forgives 30 s
CERTIFICATE_WARNING, CERTIFICATE_ERROR = timedelta(days=21), timedelta(days=7)
KEY_ENDS_SOON = timedelta(days=14)
KEY_OLD_DAYS = 400
MILLISECONDS = 1_000


def disk(found: Disk, folder: str) -> Check:
    """Room for data, backups and logs."""
    share = found.free_bytes / found.total_bytes if found.total_bytes else 0.0
    summary = _("{free} free of {total} ({share})").format(
        free=size(found.free_bytes), total=size(found.total_bytes), share=percent(share)
    )
    fix = _("Free space on the disk of {folder}, or move DATA_DIR to a larger one.").format(folder=folder)
    if found.free_bytes < DISK_CRITICAL_BYTES:
        return check("disk", "critical", summary, detail=folder, fix=fix, value=found.free_bytes)
    if share < DISK_WARNING_SHARE and found.free_bytes < DISK_WARNING_BYTES * 5:
        return check("disk", "warning", summary, detail=folder, fix=fix, value=found.free_bytes)
    if found.free_bytes < DISK_WARNING_BYTES:
        return check("disk", "warning", summary, detail=folder, fix=fix, value=found.free_bytes)
    return check("disk", "ok", summary, detail=folder, value=found.free_bytes)


def memory(found: Memory) -> Check:
    """Memory of this process beside what the machine has left."""
    summary = _("{own} used by this process, {available} free on the machine").format(
        own=size(found.own_bytes), available=size(found.available_bytes)
    )
    own = float(found.own_bytes)
    fix = _("Close other programs, or give the machine more memory.")
    if found.available_bytes < MEMORY_WARNING_SHARE * found.total_bytes:
        return check("memory", "warning", summary, fix=fix, value=own)
    return check("memory", "ok", summary, value=own)


def growth(found: Slope | None, handles: Handles) -> Check:
    """Whether memory of this process grows without end."""
    detail = ngettext("{count} thread", "{count} threads", handles.threads).format(count=number(handles.threads))
    if found is None:
        return check("growth", "ok", _("Watching; this process has not run long enough to tell"), detail=detail)
    hour = size(max(0.0, found.per_hour))
    summary = _("{size} an hour, over {minutes} min").format(size=hour, minutes=number(round(found.span_seconds / 60)))
    is_growing = found.is_steady and found.per_hour > GROWTH_BYTES
    if is_growing and found.last - found.first > GROWTH_SHARE * found.first:
        fix = _("See below which lines of the program keep memory, and restart this process when convenient.")
        return check("growth", "warning", summary, detail=detail, fix=fix, value=found.per_hour)
    return check("growth", "ok", summary, detail=detail, value=found.per_hour)


def files(handles: Handles) -> Check:
    """Whether this process may open as many files and sockets as it needs; each tab takes four."""
    if handles.most_files is None:
        return check("files", "ok", _("{count} open, without a limit").format(count=number(handles.files)))
    summary = _("{count} of {most} open").format(count=number(handles.files), most=number(handles.most_files))
    detail = _("Room for about {count} tabs").format(count=number(handles.most_files // FILES_OF_A_TAB))
    if handles.files < FILES_WARNING_SHARE * handles.most_files:
        return check("files", "ok", summary, detail=detail, value=handles.files)
    fix = _("Raise the limit of open files (“Open files” in docs/operations.md), or start another process.")
    return check("files", "warning", summary, detail=detail, fix=fix, value=handles.files)


def loop(delay_seconds: float | None) -> Check:
    """Rate the delay of the event loop, which runs all requests and pages of a process."""
    if delay_seconds is None:
        return check("loop", "ok", _("This process serves no requests"))
    summary = _("{count} ms of delay").format(count=number(round(delay_seconds * MILLISECONDS)))
    if delay_seconds < LOOP_WARNING_SECONDS:
        return check("loop", "ok", summary, value=delay_seconds)
    state: State = "error" if delay_seconds >= LOOP_ERROR_SECONDS else "warning"
    fix = _("This process is overloaded: start another one, or look at what keeps its processor busy.")
    return check("loop", state, summary, fix=fix, value=delay_seconds)


def clock(skew_seconds: float) -> Check:
    """Whether the clocks of this machine and of the database agree."""
    summary = _("{seconds} s apart from the database").format(seconds=number(round(abs(skew_seconds), 2)))
    if abs(skew_seconds) < SKEW_WARNING_SECONDS:
        return check("clock", "ok", summary, value=skew_seconds)
    state: State = "error" if abs(skew_seconds) >= SKEW_ERROR_SECONDS else "warning"
    fix = _("Let both machines follow a time server (chrony or systemd-timesyncd). Sign-in codes depend on it.")
    return check("clock", state, summary, fix=fix, value=skew_seconds)


def certificate(found: Certificate | None, now: datetime, *, is_production: bool) -> Check:
    """Until when browsers trust the address of the school. None: it has no https address."""
    if found is None:
        if is_production:
            fix = _("Set PUBLIC_URL to the https address that people type: without it passwords travel in the open.")
            return check("certificate", "warning", _("No https address is set"), fix=fix)
        return check("certificate", "ok", _("None is needed: no https address is set"))
    left = found.until - now
    seconds, detail = left.total_seconds(), listing(list(found.names[:5]))
    summary = _("Valid until {day}").format(day=day(found.until.date()))
    fix = _("Renew it and reload the proxy; check that the automatic renewal still runs.")
    if left <= timedelta(0):
        return check("certificate", "critical", _("It has ended"), detail=detail, fix=fix, value=seconds)
    if left < CERTIFICATE_WARNING:
        state: State = "error" if left < CERTIFICATE_ERROR else "warning"
        return check("certificate", state, summary, detail=detail, fix=fix, value=seconds)
    if found.problem:
        fix = _("Nothing to do if your own authority signed it; otherwise browsers refuse it: install the whole chain.")
        words = f"{found.problem} · {detail}" if detail else found.problem
        return check("certificate", "info", summary, detail=words, fix=fix, value=seconds)
    return check("certificate", "ok", summary, detail=detail, value=seconds)


def secrets(
    readable: tuple[str, ...], keys: tuple[Key, ...] = (), today: date | None = None, age: int | None = None
) -> Check:
    """Whether secrets in the data folder are private to the user who runs the app, and how keys stand.

    `age` is that of the kept key in days.
    """
    if readable:
        return _open_secrets(readable)
    ending = [key for key in keys if today and key.until and key.until - today <= KEY_ENDS_SOON]
    if ending and today:
        gone = [key.id for key in ending if key.until and key.until < today]
        if gone:
            fix = _("Remove it from JWT_KEYS and restart.")
            return check("secrets", "info", _("A key has expired: {names}").format(names=listing(gone)), fix=fix)
        fix = _("Nothing to do if a new key is listed first; later remove the old one from JWT_KEYS.")
        words = _("A key expires soon: {names}").format(names=listing([key.id for key in ending]))
        return check("secrets", "info", words, fix=fix)
    if age is not None and age > KEY_OLD_DAYS:
        words = ngettext("The key is {count} day old", "The key is {count} days old", age).format(count=number(age))
        fix = _("Change it: “Rotate keys” in docs/operations.md says how. Nobody is signed out.")
        return check("secrets", "info", words, fix=fix)
    return check("secrets", "ok", _("Strong, and readable by the user who runs the app alone"))


def _open_secrets(readable: tuple[str, ...]) -> Check:
    words = ngettext(
        "{count} file can be read by other users of this machine",
        "{count} files can be read by other users of this machine",
        len(readable),
    )
    fix = _("Run: chmod -R go-rwx {path}").format(path=readable[0])
    detail = listing(list(readable[:5]))
    return check("secrets", "error", words.format(count=number(len(readable))), detail=detail, fix=fix)
