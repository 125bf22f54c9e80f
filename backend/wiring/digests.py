"""The weekly letter, from what knows classes, progress and mail."""

from backend.accounts.queries import AccountQueries
from backend.digests.queries import DigestQueries
from backend.digests.service import DigestService
from backend.kit.signing import Signer
from backend.wiring.base import Base
from backend.wiring.learning import Learning


def digests(base: Base, learning: Learning) -> DigestService:
    """Addresses to leave by are signed with the keys of the school."""
    mongo = base.connections.mongo
    return DigestService(
        DigestQueries(mongo),
        AccountQueries(mongo).classroom_ids,
        learning.classrooms,
        learning.reports,
        learning.overview,
        base.mails,
        Signer(base.ring, "unsubscribe"),
        base.clock,
        time_zone=base.settings.time_zone,
    )
