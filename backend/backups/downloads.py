"""A backup to take away: a link that is good for some minutes in one session, and the file that it leads to."""

from collections.abc import Iterator
from datetime import timedelta
from time import monotonic

from backend.accounts.models import Viewer
from backend.accounts.sessions import Sessions
from backend.audit.trail import AuditTrail
from backend.backups.models import Download, DownloadLink
from backend.backups.service import BackupService
from backend.errors import NotFound, Unavailable
from backend.kit import deadline
from backend.kit.archive import Damaged, StoreFailed
from backend.kit.archive.bundle import Bundle
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.kit.observability import log
from backend.kit.security.signing import Signer
from backend.policy import authorise

LINK_LIFE = timedelta(minutes=5)
LOOKED_EVERY_SECONDS = 5.0  # how long a download goes on, at most, after its session was ended

_log = log.get(__name__)


class BackupDownloads:
    """Streams what lies in the store, so that no archive is ever whole in memory; what is sealed stays sealed."""

    def __init__(
        self, backups: BackupService, sessions: Sessions, signer: Signer, trail: AuditTrail, clock: Clock
    ) -> None:
        self._backups = backups
        self._sessions = sessions
        self._signer = signer
        self._trail = trail
        self._clock = clock

    def link(self, viewer: Viewer, backup_id: str) -> DownloadLink:
        """Return a link to the file, valid for five minutes and only in the viewer's present session.

        Raises NotSignedIn, NotAllowed unless an admin who gave their password just now, NotFound, Unavailable.
        """
        authorise(viewer, "backup_downloads.link")
        self._sessions.require_proof(viewer)
        bundle = self._bundle(backup_id)
        expires = self._clock.now() + LINK_LIFE
        return DownloadLink(
            backup_id=backup_id,
            ticket=self._signer.sign(f"{viewer.session_id} {backup_id} {int(expires.timestamp())}"),
            expires_at=expires,
            name=_name(backup_id),
            size=bundle.size,
            is_sealed=bundle.manifest.is_sealed,
        )

    def open(self, viewer: Viewer, backup_id: str, ticket: str) -> Download:
        """Return the file behind a link. It breaks off if the session ends meanwhile, or the archive turns out damaged.

        Raises NotSignedIn, NotAllowed unless an admin, NotFound for a link that is not theirs or too old, Unavailable.
        """
        authorise(viewer, "backup_downloads.open")
        self._check(viewer, backup_id, ticket)
        bundle = self._bundle(backup_id)
        facts = {"bytes": bundle.size, "isSealed": bundle.manifest.is_sealed}
        self._trail.record(viewer, "backup.downloaded", "backup", backup_id, after=facts)
        return Download(name=_name(backup_id), size=bundle.size, chunks=self._watched(viewer, bundle))

    def _check(self, viewer: Viewer, backup_id: str, ticket: str) -> None:
        text = self._signer.read(ticket, self._clock.now()) or ""
        signed, _space, until = text.rpartition(" ")
        is_hers = signed == f"{viewer.session_id} {backup_id}"
        if not is_hers or int(until) < self._clock.now().timestamp():
            words = _("This link is good for five minutes, where it was made. Make a new one on the page Backups.")
            raise NotFound(words, code="link_expired")

    def _bundle(self, backup_id: str) -> Bundle:
        """Raises NotFound, and Unavailable where a part of it is missing or the store is away."""
        try:
            return self._backups.bundle(backup_id)
        except Damaged as error:
            raise Unavailable(_("This backup is damaged: {reason}").format(reason=error)) from error

    def _watched(self, viewer: Viewer, bundle: Bundle) -> Iterator[bytes]:
        chunks, looked_at = bundle.chunks(), monotonic()
        while True:
            with deadline.lifted():  # a slow line is no reason to break off
                if monotonic() - looked_at > LOOKED_EVERY_SECONDS:
                    looked_at = monotonic()
                    self._look(viewer)
                try:
                    chunk = next(chunks, None)
                except (Damaged, StoreFailed) as error:
                    _log.warning("download_broken_off", error=str(error))
                    raise Unavailable(_("This backup is damaged: {reason}").format(reason=error)) from error
            if chunk is None:
                return
            yield chunk

    def _look(self, viewer: Viewer) -> None:
        """Raises NotSignedIn or NotAllowed if they may no longer have the file; goes on if the database is away."""
        try:
            authorise(self._sessions.viewer(viewer.session_id), "backup_downloads.open")
        except Unavailable as error:
            _log.warning("download_unwatched", error=error.message)


def _name(backup_id: str) -> str:
    return f"chapter-performance-{backup_id}.tar"
