"""The way back: which moment, what it would change, a word to be typed, and undoing it afterwards."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from backend.accounts.models import Viewer
from backend.backups.models import BackupReport, Preview, Reach, Task
from backend.errors import Invalid
from backend.kit.i18n import _, moment
from pages.backups import text as words
from pages.shell import reauthentication, services, session
from pages.shell.errors import noticed
from pages.shell.script_runs import fragment
from pages.widgets.elements import button_row, plain, section
from pages.widgets.number_field import number_field, whole_number
from pages.widgets.tables import static_table

CHOSEN = "backups.chosen"


def draw_restore(report: BackupReport, viewer: Viewer, *, is_busy: bool) -> None:
    """Choose a moment; its preview opens in a dialog, from which the school is put back."""
    if not report.backups:
        return
    section(_("Go back"), _("You see first what would change. Nothing is changed until you type a word."))
    _draw_choice(report, viewer, is_busy)
    if report.state.can_roll_back:
        _draw_roll_back(viewer, is_busy)


@fragment
def _draw_choice(report: BackupReport, viewer: Viewer, is_busy: bool) -> None:
    reach, zone = report.state.reach, viewer.time_zone
    way = _chosen_way() if reach else "backup"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="cp-bar-restore"):
        backup_id: str | None = None
        until: datetime | None = None
        if way == "time" and reach:
            until = _chosen_time(reach, zone)
        else:
            known = {each.backup.id: moment(each.backup.taken_at, zone, "medium") for each in report.backups}
            backup_id = st.selectbox(_("Backup"), list(known), format_func=known.__getitem__, key=CHOSEN, width=320)
        asked = st.button(
            _("Show what would change"), icon=":material/difference:", key="restore-preview", disabled=is_busy
        )
    st.caption(plain(_between(reach, zone) if reach else _no_reach(report)))
    if asked and reach and outside(until, reach, zone):  # the page may have stood open since
        reach = services.backend().backups.report(session.viewer("admin")).state.reach or reach
    if way == "time" and reach and (refusal := outside(until, reach, zone)):
        st.warning(plain(refusal), icon=":material/history_toggle_off:")
    elif asked:
        with noticed():
            plan = services.backend().restores.preview(session.viewer("admin"), backup_id=backup_id, until=until)
            _ask(plan, until, viewer)


def _chosen_way() -> str:
    names = {"backup": _("To a backup"), "time": _("To any second")}
    chosen = st.segmented_control(
        _("Which moment"), list(names), format_func=names.__getitem__, default="backup", key="restore-way",
        required=True,
    )  # fmt: skip
    return str(chosen)


def _chosen_time(reach: Reach, zone: str) -> datetime | None:
    """A time to the second within what the journal reaches, typed in the reader's zone."""
    here = ZoneInfo(zone)
    first = (reach.since + timedelta(seconds=1)).astimezone(here)
    last = reach.until.astimezone(here)
    day = st.date_input(
        _("Day"), value=last.date(), min_value=first.date(), max_value=last.date(), format="DD/MM/YYYY",
        key="restore-day", width=160,
    )  # fmt: skip
    at = st.time_input(_("Time"), value=last.time().replace(microsecond=0), step=60, key="restore-time", width=140)
    typed = number_field(_("Second"), value=last.second, key="restore-second", width=120)
    second = None
    try:
        second = whole_number(_("Second"), typed, 0, 59)
    except Invalid as error:
        st.error(plain(error.message), icon=":material/error:")
    if not isinstance(day, type(last.date())) or at is None or second is None:
        return None
    return datetime.combine(day, at.replace(second=second), here).astimezone(UTC)


def outside(until: datetime | None, reach: Reach, zone: str) -> str:
    """Return why this time cannot be restored; empty if it can."""
    if until is None:
        return _("Choose a day and a time.")
    if reach.since < until <= reach.until:
        return ""
    at, bounds = moment(until, zone, "medium"), _between(reach, zone)
    return _("{time} cannot be restored.").format(time=at) + " " + bounds


def _between(reach: Reach, zone: str) -> str:
    first, last = moment(reach.since, zone, "medium"), moment(reach.until, zone, "medium")
    return _("The journal reaches from {first} to {last}.").format(first=first, last=last)


def _no_reach(report: BackupReport) -> str:
    if not report.state.keeps_journal:
        return _("Only the times of backups can be restored: the journal is off. It is on when BACKUP_URL is set.")
    return _("The journal has only just begun: seconds between backups can be restored in about a minute.")


def _ask(plan: Preview, until: datetime | None, viewer: Viewer) -> None:
    reauthentication.forget("restore-proof")
    tasks, at = services.backend().backup_tasks, moment(plan.until, viewer.time_zone, "medium")

    @st.dialog(_("Restore the school"), icon=":material/settings_backup_restore:", width="large")
    def dialog() -> None:
        st.markdown(f"**{plain(_('Everything will be as it was on {time}.').format(time=at))}**")
        static_table(words.preview_table(plan))
        if until is not None:
            taken = moment(plan.backup.taken_at, viewer.time_zone, "medium")
            added = _("The journal then adds what was saved between the backup of {taken} and {time}.")
            st.caption(plain(added.format(taken=taken, time=at)))
        st.caption(
            plain(
                _(
                    "Anything saved after that moment is removed. For some seconds everybody can read and nobody can "
                    "save. The replaced data is kept until the next restore, so this restore can be undone. The audit "
                    "trail stays, and people who were deleted since then stay deleted."
                )
            )
        )
        _confirm(
            "restore",
            _("restore"),
            _("Restore the school"),
            lambda person: tasks.restore(person, backup_id=plan.backup.id, until=until),
        )

    dialog()


def _confirm(key: str, word: str, label: str, act: Callable[[Viewer], Task]) -> None:
    """Begin `act` once the word was typed, the button pressed and the password entered just now.

    So an unattended browser cannot restore a school.
    """
    typed = st.text_input(_("Type “{word}” to go on").format(word=word), key=f"{key}-word", autocomplete="off")
    is_meant = typed.strip().lower() == word.lower()
    with button_row(key):
        wanted = st.button(label, type="primary", key=f"{key}-yes", disabled=not is_meant)
        if st.button(_("Cancel"), key=f"{key}-no"):
            st.rerun()

    def begin() -> None:
        act(session.viewer("admin"))
        st.rerun()

    if is_meant:
        why = _("This replaces the whole school, and it is a while since you gave your password. Please give it again.")
        with noticed():
            reauthentication.proven_here(begin, wanted=wanted, why=why, key=f"{key}-proof")


def _draw_roll_back(viewer: Viewer, is_busy: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="cp-backup-undo"):
        st.info(plain(_("The last restore can be undone: what it replaced is still kept.")), icon=":material/undo:")
        if st.button(_("Undo the restore"), key="roll-back", icon=":material/undo:", disabled=is_busy):
            _ask_roll_back()


def _ask_roll_back() -> None:
    reauthentication.forget("undo-proof")

    @st.dialog(_("Undo the restore"), icon=":material/undo:")
    def dialog() -> None:
        st.text(_("The school will be as it was just before the restore. Anything saved since then is removed."))
        _confirm("undo", _("undo"), _("Undo the restore"), services.backend().backup_tasks.roll_back)

    dialog()
