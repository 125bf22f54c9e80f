"""The services that every other group is built from: audit trail, mail, limits and the runs of jobs."""

from dataclasses import dataclass

from backend.audit.queries import AuditQueries
from backend.audit.service import AuditService
from backend.audit.trail import AuditTrail
from backend.config import Settings
from backend.connections import Connections, Setup
from backend.errors import Unavailable
from backend.kit.clock import Clock, SystemClock
from backend.kit.i18n import _
from backend.kit.idempotency import Replays
from backend.kit.limiter.load_governor import Governor, MachineProbe
from backend.kit.mail.smtp import Post, parse_sender, parse_server
from backend.kit.schedule.runs import Runs
from backend.kit.security.encryption import Sealer
from backend.limits.models import Allowances
from backend.limits.service import LimitService
from backend.mails.queries import MailQueries
from backend.mails.service import MailService


@dataclass(frozen=True)
class Load:
    """The load governor of this machine, and the probe that it reads."""

    probe: MachineProbe
    governor: Governor

    def loop_delay(self) -> float | None:
        """Seconds that the event loop let its work wait at the last sample; None where no loop is watched."""
        return self.governor.state.readings.loop_delay_seconds if self.probe.is_watching else None


class BaseServices(Connections):
    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        settings, clock = self.settings, self.clock
        self._keys = setup.keys
        queries = AuditQueries(self.mongo)
        self.trail = AuditTrail(queries, clock)
        self.audit = AuditService(queries, self.trail, clock, kept_days=settings.audit_days)
        self.mails = MailService(
            MailQueries(self.mongo),
            Sealer(self._keys, "mails"),
            clock,
            self.metrics,
            _post(settings, clock),
            school=settings.school_name or _("Chapter Performance"),
            base_url=settings.public_url or "",
        )
        self.runs = Runs(self.mongo)
        self.replays = Replays(self.mongo, Sealer(self._keys, "replays"), SystemClock())
        setup.resources.callback(self.replays.close)
        probe = MachineProbe(self.mongo.waits.longest)
        self._load = Load(probe, Governor(probe))
        self.limits = LimitService(
            self.limiter,
            self._load.governor,
            _allowances(settings),
            clock,
            probe,
            is_adaptive=settings.rate_limit_adaptive,
        )
        setup.resources.callback(self.limits.close)


def _allowances(settings: Settings) -> Allowances:
    return Allowances.parsed(
        settings.rate_limit_anonymous, settings.rate_limit_user, settings.rate_limit_premium, settings.rate_limit_burst
    )


def _post(settings: Settings, clock: Clock) -> Post | None:
    if settings.smtp_url is None:
        return None
    try:
        return Post(parse_server(settings.smtp_url.get_secret_value()), parse_sender(settings.mail_from), clock.now)
    except ValueError as error:
        raise Unavailable(_("SMTP_URL or MAIL_FROM {reason}.").format(reason=error)) from error
