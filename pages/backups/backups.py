"""Backups, for administrators: what there is, taking one now, checking it, and the way back."""

import streamlit as st

from backend.accounts.models import Viewer
from backend.backups.models import BackupReport, KeptBackup
from backend.kit.i18n import _, moment
from pages.backups import download
from pages.backups import text as words
from pages.backups.current_task import draw_task
from pages.backups.restore import draw_restore
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.shell.idempotency import once
from pages.shell.script_runs import fragment
from pages.widgets.elements import button_row, empty_state, metric_row, page_header, plain, section
from pages.widgets.tables import Twin, data_table, static_table


def draw_trouble(report: BackupReport, viewer: Viewer) -> None:
    """The last failure, with what to do about it."""
    state = report.state
    if state.failure and state.failed_at:
        at = moment(state.failed_at, viewer.time_zone, "medium")
        said = _("The backup of {time} failed: {reason}").format(time=at, reason=state.failure)
        fix = _("Fix that (does the location exist, has it space, may the app write to it?), then back up now.")
        st.error(plain(f"{said}\n\n{fix}"), icon=":material/error:")
    if state.drill and not state.drill.has_passed:
        said = _("The last trial restore failed: {reason}").format(reason="; ".join(state.drill.problems[:3]))
        fix = _(
            "Back up now and test that backup. If it fails too, the data of the school disagrees "
            "with itself: look at the log."
        )
        st.error(plain(f"{said}\n\n{fix}"), icon=":material/error:")


@fragment
def draw_backups(report: BackupReport, viewer: Viewer, is_busy: bool) -> None:
    """Every backup, newest first; a click opens one."""
    section(_("Existing backups"))
    if not report.backups:
        next_step = _("The first one is taken tonight at two, or now with the button above.")
        empty_state("backup", _("There is no backup yet"), next_step, key="no-backups")
        return
    rows = [words.row(each, viewer.time_zone) for each in report.backups]
    opened = data_table(
        _("Backups, newest first"), words.columns(), rows, key="backups-table", sort=0, descending=True, stacked=True
    )
    chosen = next((each for each in report.backups if each.backup.id == opened), None)
    if chosen:
        open_backup(chosen, viewer, is_busy)


def open_backup(kept: KeptBackup, viewer: Viewer, is_busy: bool) -> None:
    """One backup, with what can be done to be sure of it, and a copy to take away."""
    download.forget()

    @st.dialog(_("Backup"), icon=":material/backup:")
    def dialog() -> None:
        backup, checks = kept.backup, kept.checks
        st.markdown(f"**{plain(moment(backup.taken_at, viewer.time_zone, 'full'))}**")
        made_by = _("Version {app} of the app, MongoDB {server}").format(
            app=backup.app_version, server=backup.server_version
        )
        st.caption(plain(f"{backup.id} · {made_by}"))
        for problem in (checks.damage, *checks.drill_problems):
            if problem:
                st.error(plain(problem), icon=":material/error:")
        tasks = services.backend().backup_tasks
        with button_row("backup"):
            verifies = st.button(_("Verify it"), icon=":material/fact_check:", key="verify", disabled=is_busy)
            drills = st.button(_("Test a restore"), icon=":material/task_alt:", key="drill", disabled=is_busy)
            takes = st.button(_("Download"), icon=":material/download:", key="download")
        st.caption(
            _(
                "Verifying compares every checksum. A trial restores it into a scratch database, "
                "compares, and deletes that."
            )
        )
        if verifies or drills:
            with noticed():
                (tasks.verify if verifies else tasks.drill)(session.viewer("admin"), backup.id)
                st.rerun()
        with noticed():
            download.draw_download(backup, viewer, wanted=takes)

    dialog()


def draw_facts(report: BackupReport) -> None:
    """How the school is kept, in a few sentences."""
    section(_("How they are kept"))
    static_table(Twin(_("Facts about all backups"), [_("What"), _("How")], words.kept_facts(report)))


admin = session.viewer("admin")
backend = services.backend()
with page_header(
    _("Backups"), _("Copies of everything the school has saved, and the way back to them."), icon="backup"
):
    wanted = st.button(_("Back up now"), type="primary", icon=":material/backup:", key="backup-now")
if wanted:
    with noticed():
        once("backup", lambda: backend.backup_tasks.take(admin), lost=lambda: None)
download.draw_refusal()
found = backend.backups.report(admin)
busy = draw_task(backend.backup_tasks.current(admin), admin.time_zone)
draw_trouble(found, admin)
metric_row(words.figures(found.state, backend.clock.now(), admin.time_zone))
draw_backups(found, admin, busy)
draw_restore(found, admin, is_busy=busy)
draw_facts(found)
