"""Taking a backup away: the link in the dialog of a backup, and why a link led nowhere."""

import streamlit as st

from backend.accounts.models import Viewer
from backend.backups.models import Backup, DownloadLink
from backend.kit.i18n import _, clock_time
from backend.operations.check_titles import size
from pages.shell import reauthentication, services, session
from pages.widgets.elements import escape, plain
from pages.widgets.style import icon_html

LINK, REFUSED = "backups.link", "refused"


def forget() -> None:
    """Another backup is opened: no link was made for it."""
    st.session_state.pop(LINK, None)
    reauthentication.forget("download-proof")


def draw_download(backup: Backup, viewer: Viewer, *, wanted: bool) -> None:
    """The link once it was made, the password before it where the sign-in is some minutes old."""

    def make() -> None:
        st.session_state[LINK] = services.backend().backup_downloads.link(session.viewer("admin"), backup.id)

    why = _("A backup contains everybody's data, and it is a while since you gave your password.")
    why += " " + _("Please enter your password again.")
    reauthentication.proven_here(make, wanted=wanted, why=why, key="download-proof")
    made: DownloadLink | None = st.session_state.get(LINK)
    if made:
        _draw_link(made, viewer)


def _draw_link(made: DownloadLink, viewer: Viewer) -> None:
    address = f"/api/v1/admin/backups/{made.backup_id}/file?ticket={made.ticket}"
    words = _("Save {name}, {size}").format(name=made.name, size=size(made.size))
    # Neither cp-go, which is followed without asking the server, nor a download: a refusal leads to a page.
    st.html(f'<a class="cp-file" href="{escape(address)}">{icon_html("download")}<span>{escape(words)}</span></a>')
    until = clock_time(made.expires_at, viewer.time_zone, "medium")
    said = [_("The link is good until {time}, in this browser alone.").format(time=until)]
    if not made.is_sealed:
        said.append(_("It is not sealed: whoever has the file can read the whole school. Keep it under lock and key."))
    else:
        said.append(_("It is sealed: without BACKUP_KEY nobody reads it, so keep that key elsewhere."))
    said.append(_("Unpacked in the folder of backups of this or another school, it can be restored there."))
    st.caption(plain(" ".join(said)))


def draw_refusal() -> None:
    """A link that was opened and led nowhere leads here, with the reason in the address."""
    code = st.query_params.get(REFUSED)
    if code is None:
        return
    said = {
        "link_expired": _("That link is too old, or was made in another browser. Open the backup and make a new one."),
        "not_allowed": _("Your role does not allow that any more."),
        "not_found": _("That backup has been deleted by now. Choose another one."),
        "unavailable": _("That backup is damaged, or its location cannot be reached. Verify it to know which."),
    }
    words = said.get(code, _("The backup could not be downloaded. Open it below and make a new link."))
    with st.container(horizontal=True, vertical_alignment="center", key="cp-backup-refused"):
        st.error(plain(words), icon=":material/block:")
        st.button(_("Close"), key="refused-seen", icon=":material/close:", type="tertiary", on_click=_see)


def _see() -> None:
    st.query_params.pop(REFUSED, None)
