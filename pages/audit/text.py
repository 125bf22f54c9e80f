"""The audit trail in words: acts, what they were done to, facts before and after, and the trail as a file."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from backend.audit.models import SYSTEM, Entry
from backend.kit import csv_cells
from backend.kit.i18n import _
from pages.widgets.tables import Column, Twin, Value


def act_words() -> dict[str, str]:
    """Every act in the reader's language, in the order of the filter."""
    return {
        "user.created": _("Person added"),
        "user.imported": _("People imported"),
        "user.role_changed": _("Role changed"),
        "user.activated": _("Account activated"),
        "user.deactivated": _("Account deactivated"),
        "user.viewed": _("Account viewed"),
        "password.link_made": _("Password link made"),
        "password.reset": _("Password set by link"),
        "password.changed": _("Password changed"),
        "email.changed": _("E-mail address changed"),
        "session.revoked": _("Session ended"),
        "sessions.revoked": _("Sessions ended"),
        "second_factor.enabled": _("Second factor switched on"),
        "second_factor.disabled": _("Second factor switched off"),
        "second_factor.reset": _("Second factor taken away"),
        "classroom.created": _("Class created"),
        "classroom.renamed": _("Class renamed"),
        "classroom.code_renewed": _("Join code renewed"),
        "classroom.board_changed": _("Class leaderboard turned on or off"),
        "classroom.archived": _("Class archived"),
        "classroom.brought_back": _("Class brought back"),
        "classroom.viewed": _("Class viewed"),
        "classroom.exported": _("Class exported"),
        "student.viewed": _("Student viewed"),
        "student.removed": _("Student removed from a class"),
        "chapter.created": _("Chapter added"),
        "chapter.updated": _("Chapter changed"),
        "chapter.archived": _("Chapter archived"),
        "chapter.brought_back": _("Chapter brought back"),
        "chapters.imported": _("Chapters imported"),
        "chapters.import_undone": _("Import undone"),
        "chapters.exported": _("Chapters exported"),
        "statistics.rebuilt": _("Statistics rebuilt"),
        "job.started": _("Background job started"),
        "cache.cleared": _("Cache emptied"),
        "memory.traced": _("Memory traced"),
        "settings.changed": _("Settings changed"),
        "limits.changed": _("Limits changed"),
        "backup.created": _("Backup made"),
        "backup.verified": _("Backup verified"),
        "backup.tried": _("Backup tested"),
        "backup.downloaded": _("Backup downloaded"),
        "backup.deleted": _("Backup deleted"),
        "backup.restored": _("Backup restored"),
        "data.exported": _("Own data downloaded"),
        "deletion.requested": _("Deletion requested"),
        "deletion.cancelled": _("Deletion cancelled"),
        "deletion.fulfilled": _("Account deleted"),
        "tombstones.applied": _("Deletions done again after a restore"),
        "audit.exported": _("Audit trail exported"),
        "audit.forgotten": _("Old audit entries removed"),
    }


def kind_words() -> dict[str, str]:
    """Return the kinds of targets of an act, in the reader's language."""
    return {
        "user": _("person"),
        "session": _("session"),
        "chapter": _("chapter"),
        "catalogue": _("catalogue"),
        "classroom": _("class"),
        "cache": _("cache"),
        "settings": _("settings"),
        "backup": _("backup"),
        "audit": _("audit trail"),
        "statistics": _("statistics"),
        "job": _("background job"),
    }


def act_word(act: str) -> str:
    """One act in words; an act of another version by its own name."""
    return act_words().get(act, act)


def who(entry: Entry, names: Mapping[str, str]) -> str:
    """The name of who acted; people whose account is gone are known by the end of their id."""
    return _("The server itself") if entry.actor_id == SYSTEM else _person(entry.actor_id, names)


def whom(entry: Entry, names: Mapping[str, str]) -> str:
    """Return the target of an act in words; `names` has people, classes and chapters by id."""
    kind = kind_words().get(entry.target_kind, entry.target_kind)
    if entry.target_id == "all":
        return kind
    if entry.target_kind == "user":
        return _person(entry.target_id, names)
    return f"{kind}: {names.get(entry.target_id, '…' + entry.target_id[-6:])}"


def facts_table(entry: Entry) -> Twin:
    """Each fact before and after the act."""
    rows: list[list[Value]] = [
        [name, _fact(entry.before.get(name)), _fact(entry.after.get(name))]
        for name in dict.fromkeys([*entry.before, *entry.after])
    ]
    return Twin(_("What changed"), [Column(_("Fact")), Column(_("Before")), Column(_("After"))], rows)


def to_csv(entries: Iterable[Entry], zone: str) -> bytes:
    """UTF-8 with BOM; times in ISO 8601 in `zone`, people by id. A text that would be calculated is guarded."""
    header = ["entry", "at", "actor", "role", "act", "kind", "target", "before", "after", "address", "request"]
    return csv_cells.content([header, *_rows(entries, zone)])


def _rows(entries: Iterable[Entry], zone: str) -> Iterator[list[csv_cells.Cell]]:
    for each in entries:
        origin = each.origin
        yield [
            each.id,
            each.at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds"),
            each.actor_id,
            each.actor_role,
            each.act,
            each.target_kind,
            each.target_id,
            _joined(each.before),
            _joined(each.after),
            origin.address if origin else "",
            origin.request_id if origin else "",
        ]


def file_name(day: date) -> str:
    """ "audit-2026-11-22.csv"."""
    return f"audit-{day.isoformat()}.csv"


def _person(user_id: str, names: Mapping[str, str]) -> str:
    return names.get(user_id) or _("deleted person …{end}").format(end=user_id[-6:])


def _fact(value: object) -> str | None:
    if value is None:
        return None
    return {True: _("yes"), False: _("no")}[value] if isinstance(value, bool) else str(value)


def _joined(facts: Mapping[str, object]) -> str:
    return "; ".join(f"{name}={value}" for name, value in facts.items())
