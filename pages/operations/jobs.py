"""Background jobs on the health page: when each is due, how it went, and a button that runs one now."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from backend.accounts.models import Viewer
from backend.kit.i18n import _, moment
from backend.operations.jobs import JobReport
from pages.operations import job_runs
from pages.shell import services
from pages.shell.errors import noticed
from pages.shell.idempotency import nothing, once
from pages.widgets.elements import button_row, empty_html, section_html
from pages.widgets.tables import Cell, Column, Twin, Value, table_html

CHOSEN = "jobs.chosen"


def draw_jobs(viewer: Viewer) -> None:
    """The table of jobs, and under it a run now."""
    reports, now = services.backend().jobs.jobs(viewer), services.backend().clock.now()
    head = section_html(_("Jobs"), _("Scheduled work. The first free process does it, once for all of them."))
    st.html(f'<div class="cp-parts">{head}{table_html(jobs_table(reports, viewer.time_zone, now))}</div>')
    if not reports:
        hint = _("No process has scheduled any: is a worker running? See the processes above.")
        st.html(empty_html("event_busy", _("No jobs yet"), hint))
        return
    name = _draw_run(viewer, [report.name for report in reports])
    chosen = next((report for report in reports if report.name == name), reports[0])
    st.html(f'<div class="cp-parts">{job_runs.runs_html(chosen, title(chosen.name), viewer.time_zone, now)}</div>')


def _draw_run(viewer: Viewer, names: Sequence[str]) -> str:
    """Which job; a button runs it now. Returns its name."""
    with button_row("run-job"):
        name = st.selectbox(_("Job"), names, format_func=title, key=CHOSEN, label_visibility="collapsed", width=280)
        if st.button(_("Run now"), key="run-job-now", icon=":material/play_arrow:"):
            with noticed():
                jobs = services.backend().jobs
                once("job", lambda: jobs.run(viewer, name), name, lost=nothing)
                st.toast(_("{job} runs in a moment.").format(job=title(name)))
    return str(name)


def title(name: str) -> str:
    """A job in words; one that a later version knows has its own name."""
    return {
        "warming": _("Warm the cache"),
        "catalogue": _("Finish imports and recount totals"),
        "board-rollover": _("New week and month on the leaderboards"),
        "index-check": _("Check the indexes"),
        "audit-check": _("Check the audit trail"),
        "retention": _("Remove old records"),
        "backup": _("Back up"),
        "backup-watch": _("Check the backups"),
        "backup-drill": _("Test a restore"),
        "deletions": _("Delete accounts that are due"),
        "digests": _("Write the weekly e-mails"),
    }.get(name, name)


def jobs_table(reports: Sequence[JobReport], zone: str, now: datetime) -> Twin:
    """A row for each job: next and last run, how it ended and how long it took."""
    heads = [
        Column(_("Job")),
        Column(_("Outcome"), rule=_("How far it is, or the job's own message at its end, in English as in the log")),
        Column(_("Last run"), rule=_("Runs that were skipped because no process was running do not count")),
        Column(_("Seconds"), numeric=True, rule=_("How long the last run took, or has taken so far")),
        Column(_("Next run"), rule=_("In your time zone")),
    ]
    return Twin(_("Jobs, their last and their next run"), heads, [_row(each, zone, now) for each in reports])


def _row(report: JobReport, zone: str, now: datetime) -> list[Value]:
    last = report.last
    return [
        Cell(title(report.name), note=report.name),
        job_runs.outcome(last) if last else Cell(_("Not yet"), kind=""),
        moment(last.started_at, zone, "medium") if last else None,
        job_runs.took(last, now) if last else None,
        moment(report.next_at, zone, "short") if report.is_tended else _("No process to run it"),
    ]
