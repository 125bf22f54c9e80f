"""The indexes of every feature, declared beside the queries that need them."""

from backend.accounts.place_queries import INDEXES as PLACE_INDEXES
from backend.accounts.queries import INDEXES as ACCOUNT_INDEXES
from backend.accounts.session_queries import INDEXES as SESSION_INDEXES
from backend.audit.queries import INDEXES as AUDIT_INDEXES
from backend.boards.queries import INDEXES as BOARD_INDEXES
from backend.chapters.change_queries import INDEXES as CHANGE_INDEXES
from backend.chapters.queries import INDEXES as CHAPTER_INDEXES
from backend.classrooms.queries import INDEXES as CLASSROOM_INDEXES
from backend.digests.queries import INDEXES as DIGEST_INDEXES
from backend.kit.idempotency import INDEXES as REPLAY_INDEXES
from backend.kit.schedule.runs import INDEXES as RUN_INDEXES
from backend.mails.queries import INDEXES as MAIL_INDEXES
from backend.operations.slow_queries import INDEXES as SLOW_INDEXES
from backend.operations.vital_queries import INDEXES as VITAL_INDEXES
from backend.progress.queries import INDEXES as PROGRESS_INDEXES
from backend.rights.queries import INDEXES as RIGHTS_INDEXES

INDEXES = (
    ACCOUNT_INDEXES,
    SESSION_INDEXES,
    PLACE_INDEXES,
    CHAPTER_INDEXES,
    CHANGE_INDEXES,
    PROGRESS_INDEXES,
    CLASSROOM_INDEXES,
    BOARD_INDEXES,
    AUDIT_INDEXES,
    RIGHTS_INDEXES,
    REPLAY_INDEXES,
    RUN_INDEXES,
    VITAL_INDEXES,
    SLOW_INDEXES,
    MAIL_INDEXES,
    DIGEST_INDEXES,
)
