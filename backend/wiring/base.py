"""The parts that every group of services is built from."""

from dataclasses import dataclass

from backend.audit.queries import AuditQueries
from backend.audit.service import AuditService
from backend.audit.trail import AuditTrail
from backend.config import Settings
from backend.connections import Connections
from backend.errors import Unavailable
from backend.kit.clock import Clock
from backend.kit.i18n import _
from backend.kit.mail.smtp import Post, parse_sender, parse_server
from backend.kit.security.encryption import Sealer
from backend.kit.security.keys import KeyRing
from backend.mails.queries import MailQueries
from backend.mails.service import MailService


@dataclass(frozen=True)
class Base:
    """Settings, time, keys, open connections, the trail that every act is written to, and the way to write people."""

    settings: Settings
    clock: Clock
    ring: KeyRing
    connections: Connections
    trail: AuditTrail
    audit: AuditService
    mails: MailService


def base(settings: Settings, clock: Clock, ring: KeyRing, connections: Connections) -> Base:
    """The ground, with a trail that can be written."""
    queries = AuditQueries(connections.mongo)
    queries.prepare()
    trail = AuditTrail(queries, clock)
    audit = AuditService(queries, trail, clock, kept_days=settings.audit_days)
    return Base(settings, clock, ring, connections, trail, audit, _mails(settings, clock, ring, connections))


def _mails(settings: Settings, clock: Clock, ring: KeyRing, connections: Connections) -> MailService:
    return MailService(
        MailQueries(connections.mongo),
        Sealer(ring, "mails"),
        clock,
        connections.metrics,
        _post(settings, clock),
        school=settings.school_name or _("Chapter Performance"),
        base_url=settings.public_url or "",
    )


def _post(settings: Settings, clock: Clock) -> Post | None:
    if settings.smtp_url is None:
        return None
    try:
        return Post(parse_server(settings.smtp_url.get_secret_value()), parse_sender(settings.mail_from), clock.now)
    except ValueError as error:
        raise Unavailable(_("SMTP_URL or MAIL_FROM {reason}.").format(reason=error)) from error
