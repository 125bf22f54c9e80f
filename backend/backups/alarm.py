"""Tells administrators by mail when the school is not kept as it should be; the pages tell it by the health checks."""

from datetime import timedelta

from backend.backups.models import BackupState
from backend.backups.queries import BackupQueries
from backend.backups.service import BackupService
from backend.errors import Unavailable
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.mails import letters
from backend.mails.models import Content, Recipient
from backend.mails.service import MailService

LATE = timedelta(hours=26)  # one a night, and two hours for a night that was busy
SETTLING = timedelta(days=2)  # a school that has just been opened has had no night yet

Trouble = tuple[str, str]  # what it is (a letter of the same is not written again), and the reason as it was said


class BackupAlarm:
    """Runs after every backup and drill, and every hour, in the process that runs the jobs."""

    def __init__(self, backups: BackupService, queries: BackupQueries, mails: MailService, clock: Clock) -> None:
        self._backups = backups
        self._queries = queries
        self._mails = mails
        self._clock = clock

    def look(self) -> int:
        """Write to every administrator about each present problem, once for each; return the number of letters.

        A problem that has lasted since yesterday is reported again today. Raises Unavailable if the database is away.
        """
        if not self._mails.is_configured:
            return 0
        found = self.trouble()
        people = self._mails.administrators() if found else ()
        return sum(self._tell(to, each) for to in people for each in found)

    def trouble(self) -> tuple[Trouble, ...]:
        """Return the present problems with the backups."""
        today = f"{self._clock.now():%Y-%m-%d}"
        try:
            state = self._backups.state()
        except Unavailable as error:
            return ((f"away:{today}", error.message),)
        return tuple(self._of(state, today)) if state.is_configured else ()

    def _of(self, state: BackupState, today: str) -> list[Trouble]:
        found: list[Trouble] = []
        if state.failure:
            found.append((f"failed:{today}", state.failure))
        elif self._is_late(state):
            found.append((f"late:{today}", ""))
        if state.drill and not state.drill.has_passed:
            found.append((f"drill:{state.drill.backup_id}:{today}", "; ".join(state.drill.problems[:3])))
        return found

    def _is_late(self, state: BackupState) -> bool:
        now = self._clock.now()
        if state.last is not None:
            return now - state.last.taken_at > LATE
        since = self._queries.people_since()
        return since is not None and now - since > SETTLING

    def _tell(self, to: Recipient, trouble: Trouble) -> bool:
        key, reason = trouble
        return self._mails.queue("backup-alarm", f"{key}:{to.user_id}", to, lambda: self._written(to, key, reason))

    def _written(self, to: Recipient, key: str, reason: str) -> Content:
        said, next_step = _words(key.partition(":")[0], reason)
        page = f"{self._mails.base_url}/backups" if self._mails.base_url else ""
        return letters.backup_alarm(to.name, self._mails.school, said, next_step, page)


def _words(kind: str, reason: str) -> tuple[str, str]:
    """Return the problem and its remedy, in the recipient's language."""
    if kind == "drill":
        return (
            _("The last trial restore failed: {reason}").format(reason=reason),
            _(
                "Take a backup now and test it. If that fails too, the person who looks after the "
                "server must look at it."
            ),
        )
    if kind == "late":
        return (
            _("There has been no backup for more than a day."),
            _("Let the app or a worker run at night, and take a backup now."),
        )
    if kind == "away":
        return reason, _("Until that is fixed, no backup can be taken, listed or restored.")
    return (
        _("The last backup failed: {reason}").format(reason=reason),
        _("Fix that, then take a backup now. Older backups are still there."),
    )
