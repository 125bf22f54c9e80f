"""The writing side of the audit trail, below every feature: an act that cannot be written down does not happen."""

import re
import secrets
import threading
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from backend.audit.models import SYSTEM, Act, Entry, Facts, TargetKind
from backend.audit.queries import AuditQueries
from backend.kit.clock import Clock
from backend.kit.observability import log
from backend.kit.origin import origin
from backend.policy import Person

VIEW_AGAIN = timedelta(minutes=15)
REMEMBERED_VIEWS = 5_000
_SECRET = re.compile(r"passw|secret|token|hash|cookie|joincode|recovery", re.IGNORECASE)

_log = log.get(__name__)


class AuditTrail:
    """Appends entries. Nothing here or anywhere else in the app can change one."""

    def __init__(self, queries: AuditQueries, clock: Clock) -> None:
        self._queries = queries
        self._clock = clock
        self._viewed: dict[tuple[str, Act, str], datetime] = {}
        self._looking = threading.Lock()

    def record(
        self,
        actor: Person | None,
        act: Act,
        kind: TargetKind,
        target_id: str,
        *,
        before: Facts | None = None,
        after: Facts | None = None,
        session: Any = None,
    ) -> None:
        """Write down an act: in the transaction of `session`, else in one of its own (then call it before acting).

        `actor` None is the server itself. Facts are plain values without names, addresses and secrets: people by
        id. Raises Unavailable where it cannot be written; ValueError for a fact whose name sounds like a secret.
        """
        entry = Entry(
            id=0,
            at=self._clock.now(),
            actor_id=actor.id if actor else SYSTEM,
            actor_role=actor.role if actor else SYSTEM,
            act=act,
            target_kind=kind,
            target_id=target_id,
            before=_checked(before),
            after=_checked(after),
        )
        # Without the name of the browser: tickets are bound to it, so it is a secret.
        here, salt = replace(origin(), browser=""), secrets.token_hex(16)
        if session is None:
            written = self._queries.append_alone(entry, here, salt)
        else:
            written = self._queries.append(session, entry, here, salt)
        # A copy of the log kept elsewhere can prove that the whole chain was not rewritten.
        _log.info("audit", entry=written.id, act=act, actor=entry.actor_id, target=target_id, hash=written.hash)

    def forget_origins(self, session: Any, actor_id: str) -> int:
        """Remove the origins of a deleted person's entries in the same transaction; return how many. Their id stays."""
        return self._queries.forget_origins(session, actor_id)

    def record_view(self, viewer: Person, act: Act, kind: TargetKind, target_id: str) -> None:
        """Write down that an administrator looks at somebody's data: once in 15 minutes, however often a page redraws.

        Views by others are not recorded: teachers see their own classes as part of their work, students themselves.
        """
        if viewer.role != "admin" or viewer.id == target_id:
            return
        key, now = (viewer.id, act, target_id), self._clock.now()
        with self._looking:
            last = self._viewed.get(key)
        if last is not None and now - last < VIEW_AGAIN:
            return
        self.record(viewer, act, kind, target_id)
        with self._looking:
            if len(self._viewed) >= REMEMBERED_VIEWS:
                self._viewed.clear()
            self._viewed[key] = now


def _checked(facts: Facts | None) -> dict[str, Any]:
    for name in facts or {}:
        if _SECRET.search(name):
            raise ValueError(f"{name} sounds like a secret: it does not belong in the audit trail")
    return dict(facts or {})
