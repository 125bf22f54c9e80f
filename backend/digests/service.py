"""The weekly letter: written once a week for each person who wants it, and given up with one click without signing in.

Every figure comes from the same calls as the pages of its reader.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from backend.accounts.models import User, Viewer, viewer_of
from backend.classrooms.models import ClassReport
from backend.classrooms.report import ClassroomReports
from backend.classrooms.service import ClassroomService
from backend.digests import letters
from backend.digests.models import Written
from backend.digests.queries import DigestQueries
from backend.errors import NotFound
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.kit.security.signing import Signer
from backend.mails.models import Content, Recipient
from backend.mails.service import MailService
from backend.progress.overview import ProgressOverview

LEFT_ALONE = timedelta(days=28)  # a person who has been away for so long gets no mail: it would be a nudge
PATH = "/api/v1/mails/unsubscribe"


class DigestService:
    def __init__(
        self,
        queries: DigestQueries,
        classrooms_of: Callable[[str], tuple[str, ...]],
        classrooms: ClassroomService,
        reports: ClassroomReports,
        overview: ProgressOverview,
        mails: MailService,
        signer: Signer,
        clock: Clock,
        *,
        time_zone: str,
    ) -> None:
        self._queries = queries
        self._classrooms_of = classrooms_of
        self._classrooms = classrooms
        self._reports = reports
        self._overview = overview
        self._mails = mails
        self._signer = signer
        self._clock = clock
        self._zone = ZoneInfo(time_zone)

    @property
    def is_possible(self) -> bool:
        """Whether letters can go: they need a mail server, and the address at which they can be given up."""
        return self._mails.can_link

    def write(self, *, check: Callable[[], None] = lambda: None) -> Written:
        """Write this week's letters, at most one per person. `check` is called before each, and may raise.

        Raises Unavailable.
        """
        written = alone = 0
        for user in self._queries.readers() if self.is_possible else ():
            check()
            content = self._content(user)
            if content is None:
                alone += 1
            else:
                written += self._queue(user, content)
        return Written(letters=written, left_alone=alone)

    def leave(self, token: str) -> None:
        """Stop the letters of the person this token was made for. Raises NotFound for a token not made here."""
        user_id = self._signer.read(token, self._clock.now())
        if user_id is None or not self._queries.stop(user_id):
            raise NotFound(_("This link is not valid. You can stop the e-mails on your settings page as well."))

    def leave_address(self, user_id: str) -> str:
        """Return the address at which this person stops their letters without signing in."""
        return f"{self._mails.base_url}{PATH}?token={self._signer.sign(user_id)}"

    def _queue(self, user: User, content: Callable[[], Content]) -> bool:
        year, week, _day = self._clock.now().astimezone(self._zone).isocalendar()  # of the school, as the job goes
        to = Recipient(user_id=user.id, address=user.email, name=user.name, locale=user.locale)
        key = f"{user.id}:{year}-{week:02}"
        return self._mails.queue("digest", key, to, content, leave=self.leave_address(user.id))

    def _content(self, user: User) -> Callable[[], Content] | None:
        """Return a function that writes the person's letter; None if there is nothing to say or they are left alone."""
        viewer = viewer_of(user, self._classrooms_of(user.id))
        school, address, leave = self._mails.school, self._mails.base_url, self.leave_address(user.id)
        if user.role == "student":
            home = self._overview.home(viewer)
            last = home.summary.last_activity_at
            if last is None or self._clock.now() - last > LEFT_ALONE:
                return None
            return lambda: letters.for_student(user.name, school, home, address, leave)
        reports = self._class_reports(viewer) if user.role == "teacher" else ()
        if not reports:
            return None
        return lambda: letters.for_teacher(user.name, school, reports, address, leave)

    def _class_reports(self, viewer: Viewer) -> Sequence[ClassReport]:
        return [self._reports.report(viewer, each.id) for each in self._classrooms.classrooms(viewer)]
