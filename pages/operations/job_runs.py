"""The last runs of one job: how far the present one is, how the others ended, what they said, what to do about it."""

from collections.abc import Sequence
from datetime import datetime

from backend.kit.i18n import _, moment, ngettext, number, percent
from backend.operations.jobs import JobReport, JobRun
from pages.backups.text import collection_word
from pages.widgets.elements import escape
from pages.widgets.style import chip
from pages.widgets.tables import Cell, Column, Twin, Value, table_html


def outcome(run: JobRun) -> Cell:
    """How a run stands: its state, how far it is or what it said, and how often it was begun."""
    words = {"running": _("Running"), "done": _("Done"), "failed": _("Failed"), "skipped": _("Left out")}
    if run.state == "running":
        share = f"{words['running']}, {percent(run.share)}" if run.share is not None else words["running"]
        return Cell(share, note=" · ".join(part for part in (_doing(run), _again(run)) if part), kind="info")
    kind = {"failed": "error", "done": "ok"}.get(run.state, "")
    return Cell(words[run.state], note=" · ".join(part for part in (run.outcome, _again(run)) if part), kind=kind)


def _doing(run: JobRun) -> str:
    return collection_word(run.doing) if run.doing else _("its progress is unknown")


def _again(run: JobRun) -> str:
    words = ngettext("{count} attempt", "{count} attempts", run.attempt)
    return words.format(count=number(run.attempt)) if run.attempt > 1 else ""


def took(run: JobRun, now: datetime) -> str:
    """Seconds of a run; of one under way, those so far."""
    if run.seconds is not None:
        return number(round(run.seconds, 1))
    so_far = number(max(0, round((now - run.started_at).total_seconds())))
    return _("{seconds} so far").format(seconds=so_far) if run.state == "running" else "–"


def runs_html(report: JobReport, title: str, zone: str, now: datetime) -> str:
    """The five newest runs of a job with their lines; what its rule for missed ones is; what to do about a failure."""
    rule = (
        _("If no process is running at that time, the newest missed run is done later.")
        if report.makes_up
        else _("If no process is running at that time, the run is skipped.")
    )
    last = report.last
    help_ = _mending(report.name) if last and last.state == "failed" else ""
    parts = [
        f'<p class="cp-note">{escape(rule)}</p>',
        f"<p>{chip('error', _('What to do'))} {escape(help_)}</p>" if help_ else "",
        table_html(_table(report.runs, title, zone, now)),
        *(_lines_html(run, zone) for run in report.runs if run.log),
    ]
    return "".join(parts)


def _table(runs: Sequence[JobRun], title: str, zone: str, now: datetime) -> Twin:
    heads = [
        Column(_("Started")),
        Column(_("Outcome"), rule=_("The job's own message at its end, in English as in the log")),
        Column(_("Seconds"), numeric=True),
        Column(_("Why"), rule=_("On schedule, late because no process was running, or on request")),
    ]
    why = {"slot": _("on schedule"), "made up": _("done later"), "asked": _("on request")}
    rows: list[list[Value]] = [
        [moment(run.started_at, zone, "medium"), outcome(run), took(run, now), why[run.kind]] for run in runs
    ]
    return Twin(_("{job}: the newest runs").format(job=title), heads, rows)


def _lines_html(run: JobRun, zone: str) -> str:
    count = ngettext("{count} line", "{count} lines", len(run.log)).format(count=number(len(run.log)))
    head = _("Message of the run of {time}: {lines}").format(time=moment(run.started_at, zone, "medium"), lines=count)
    lines = "".join(f"<li>{escape(line)}</li>" for line in run.log)
    return f'<details class="cp-rules"><summary>{escape(head)}</summary><ul>{lines}</ul></details>'


def _mending(name: str) -> str:
    again = _("Then run it again here.")
    return {
        "backup": _(
            "Does the backup location exist, has it space, may the app write to it? The page Backups says more."
        ),
        "backup-drill": _(
            "Back up now on the page Backups and test that backup. If it fails too, its lines below say where."
        ),
        "audit-check": _(
            "Entries were changed in the database itself: look at that entry on the page Audit, and keep it."
        ),
        "digests": _("E-mails could not be written: the check Mail above says why.") + " " + again,
        "index-check": _("An index could not be created: is the database writable, and has it space?") + " " + again,
    }.get(name, _("Fix what its outcome says. {again} If it fails twice, the log says more.").format(again=again))
