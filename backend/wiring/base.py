"""What every group of services is made from."""

from dataclasses import dataclass

from backend.audit.queries import AuditQueries
from backend.audit.service import AuditService
from backend.audit.trail import AuditTrail
from backend.config import Settings
from backend.connections import Connections
from backend.kit.clock import Clock
from backend.kit.keys import KeyRing


@dataclass(frozen=True)
class Base:
    """Settings, time, keys, open connections, and the trail that every act is written to."""

    settings: Settings
    clock: Clock
    ring: KeyRing
    connections: Connections
    trail: AuditTrail
    audit: AuditService


def base(settings: Settings, clock: Clock, ring: KeyRing, connections: Connections) -> Base:
    """The ground, with a trail that can be written."""
    queries = AuditQueries(connections.mongo)
    queries.prepare()
    trail = AuditTrail(queries, clock)
    audit = AuditService(queries, trail, clock, kept_days=settings.audit_days)
    return Base(settings, clock, ring, connections, trail, audit)
