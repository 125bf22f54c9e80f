"""Backups in words: key figures, rows of the table, kinds of work, how they are kept. Values in, nothing looked up."""

from collections.abc import Sequence
from datetime import datetime

from backend.backups.models import BackupReport, BackupState, Checks, Drill, KeptBackup, Preview, Task
from backend.kit.i18n import _, ago, moment, number
from backend.operations.check_titles import size
from pages.widgets.elements import KeyFigure
from pages.widgets.tables import Cell, Column, Row, Twin, Value


def figures(state: BackupState, now: datetime, zone: str) -> list[KeyFigure]:
    """The newest backup, the last trial restore, and how far back every second is there."""
    last, drill, reach = state.last, state.drill, state.reach
    return [
        KeyFigure(
            _("Newest backup"),
            ago(now - last.taken_at) if last else None,
            _("One is taken every night at two, the school's time"),
            moment(last.taken_at, zone, "medium") if last else "",
            "backup",
        ),
        KeyFigure(
            _("Its size"),
            size(last.stored_bytes) if last else None,
            _("As it is stored: compressed, and sealed where a key is set"),
            _("{count} documents").format(count=number(last.documents)) if last else "",
            "database",
        ),
        KeyFigure(
            _("Last trial restore"),
            _drill_word(drill) if drill else None,
            _("Every Sunday night the newest backup is restored into a scratch database, compared, and deleted"),
            moment(drill.at, zone, "medium") if drill else "",
            "task_alt",
        ),
        KeyFigure(
            _("Journal since"),
            moment(reach.since, zone, "short") if reach else None,
            _("With the journal the school can go back to any second from there on"),
            _("up to {time}").format(time=moment(reach.until, zone, "medium")) if reach else "",
            "history",
        ),
    ]


def _drill_word(drill: Drill) -> str:
    return _("Passed") if drill.has_passed else _("Failed")


def columns() -> list[Column]:
    """Return the columns of the table of backups."""
    return [
        Column(_("Taken"), rule=_("In your time zone")),
        Column(_("Documents"), numeric=True),
        Column(_("Size"), numeric=True, rule=_("As it is stored")),
        Column(_("Duration"), numeric=True, rule=_("While the school was in use")),
        Column(_("Checksums"), rule=_("Whether all of it was read and matches what was written")),
        Column(_("Trial restore"), rule=_("Whether a trial restore found nothing wrong")),
    ]


def row(kept: KeptBackup, zone: str) -> Row:
    """One backup of the table."""
    backup = kept.backup
    cells: list[Value] = [
        Cell(
            moment(backup.taken_at, zone, "medium"),
            sort=backup.taken_at.timestamp(),
            note=_("sealed") if backup.is_sealed else "",
        ),
        Cell(number(backup.documents), sort=backup.documents),
        Cell(size(backup.stored_bytes), sort=backup.stored_bytes),
        Cell(_("{count} s").format(count=number(round(backup.seconds, 1))), sort=backup.seconds),
        _verified(kept.checks, zone),
        _drilled(kept.checks, zone),
    ]
    return Row(backup.id, cells)


def _verified(checks: Checks, zone: str) -> Cell:
    if checks.verified_at is None:
        return Cell(_("not verified"), sort="")
    at = moment(checks.verified_at, zone, "short")
    return Cell(_("Damaged") if checks.damage else _("Intact"), kind="error" if checks.damage else "ok", note=at)


def _drilled(checks: Checks, zone: str) -> Cell:
    if checks.drilled_at is None:
        return Cell(_("not tested"), sort="")
    at = moment(checks.drilled_at, zone, "short")
    failed = bool(checks.drill_problems)
    return Cell(_("Failed") if failed else _("Passed"), kind="error" if failed else "ok", note=at)


def task_words(task: Task) -> str:
    """Return the name of a running task, in the reader's language."""
    return {
        "take": _("Taking a backup"),
        "verify": _("Verifying a backup"),
        "drill": _("Testing a restore in a scratch database"),
        "restore": _("Restoring the school"),
        "roll-back": _("Undoing the restore"),
    }[task.kind]


def preview_table(plan: Preview) -> Twin:
    """Each collection: how much there is now, and how much there was then."""
    heads = [
        Column(_("What")),
        Column(_("Now"), numeric=True, rule=_("About: the database's own estimate")),
        Column(_("In the backup"), numeric=True),
        Column(_("Difference"), numeric=True),
    ]
    known = [each for each in plan.collections if collection_word(each.name) != each.name]
    others = [each for each in plan.collections if collection_word(each.name) == each.name]
    facts = [(collection_word(each.name), each.now, each.then) for each in known]
    rest = _("Records of the program itself")
    facts.append((rest, sum(each.now for each in others), sum(each.then for each in others)))
    rows: list[Sequence[Value]] = [[word, number(now), number(then), _signed(then - now)] for word, now, then in facts]
    return Twin(_("What would replace what"), heads, rows)


def _signed(change: int) -> str:
    return "=" if change == 0 else f"{'+' if change > 0 else '−'}{number(abs(change))}"


def collection_word(name: str) -> str:
    """A collection in words; others by their own names."""
    return {
        "users": _("People"),
        "memberships": _("Members of classes"),
        "classrooms": _("Classes"),
        "chapters": _("Chapters"),
        "progress": _("Records of progress"),
        "activity": _("Saved changes"),
        "studyDays": _("Study days"),
        "summaries": _("Summaries of students"),
        "chapterStatistics": _("Statistics of chapters"),
        "dayStatistics": _("Statistics of days"),
        "outbox": _("E-mails"),
        "places": _("Known sign-in locations"),
        "audit": _("Audit trail"),
    }.get(name, name)


def kept_facts(report: BackupReport) -> list[tuple[str, str]]:
    """How the school is kept, for whoever asks: each a heading and a sentence."""
    state = report.state
    stay = _(
        "The newest of each of the last {days} days, {weeks} weeks and {months} months is kept; the "
        "others are deleted at night."
    )
    sealed = (
        _("Sealed with BACKUP_KEY: without the key nobody reads them.")
        if state.is_sealed
        else _("Not sealed: whoever can read that place can read the school. Set BACKUP_KEY to seal them.")
    )
    journal = _("Every change is kept as well, in files of 15 seconds, so that any second can be restored.")
    no_journal = _("Off: only the times of the backups can be restored. It is on when BACKUP_URL is set.")
    told = _("Administrators get a mail when a backup or a trial restore fails or is overdue.")
    not_told = _("Problems are shown here and on your home page only: no mail is sent, because SMTP_URL is not set.")
    return [
        (_("Kept for"), stay.format(days=report.kept_daily, weeks=report.kept_weekly, months=report.kept_monthly)),
        (_("Where"), _place(state)),
        (_("Sealing"), sealed),
        (_("Journal"), journal if state.keeps_journal else no_journal),
        (_("Who is notified"), told if report.is_mail_sent else not_told),
        (_("Not in a backup"), _("Sessions, locks, the cache and the record of jobs: they are created again.")),
    ]


def _place(state: BackupState) -> str:
    if state.place.startswith("s3://"):
        return _("In the bucket {place}.").format(place=state.place)
    return _("In the folder {place}, on this machine. BACKUP_URL names another place, such as a bucket.").format(
        place=state.place
    )
