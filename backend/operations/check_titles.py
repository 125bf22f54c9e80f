"""The names of all checks, a check under its name, and sizes in words."""

from backend.kit.i18n import _, number
from backend.operations.models import Check, State


def titles() -> dict[str, str]:
    """The name of each check in words, in the order in which they are shown."""
    return {
        "mongodb": _("MongoDB"),
        "release": _("Release of MongoDB"),
        "replicas": _("Copies of the database"),
        "oplog": _("Oplog window"),
        "redis": _("Redis"),
        "cache": _("Cache"),
        "breakers": _("Circuit breakers"),
        "instances": _("Processes"),
        "worker": _("Statistics worker"),
        "jobs": _("Background jobs"),
        "indexes": _("Database indexes"),
        "backups": _("Backups"),
        "mail": _("Mail"),
        "disk": _("Disk"),
        "memory": _("Memory"),
        "growth": _("Memory growth"),
        "files": _("Open files"),
        "loop": _("Event loop"),
        "clock": _("Clocks"),
        "certificate": _("Certificate"),
        "secrets": _("Secrets"),
        "audit": _("Audit trail"),
        "demo": _("Demo sign-ins"),
    }


def check(
    name: str,
    state: State,
    summary: str,
    *,
    detail: str = "",
    fix: str = "",
    ms: float | None = None,
    value: float | None = None,
) -> Check:
    """A check under its title."""
    return Check(
        name=name,
        title=titles()[name],
        state=state,
        summary=summary,
        detail=detail,
        fix=fix,
        latency_ms=ms,
        value=value,
    )


def size(count: float) -> str:
    """Bytes in words, in steps of 1,000: "1.2 GB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1_000:  # noqa: PLR2004 (one digit)  (the step between units)
            return f"{number(round(count, 1 if count < 10 else 0))} {unit}"  # noqa: PLR2004 (one digit)
        count /= 1_000
    return f"{number(round(count, 1))} TB"
