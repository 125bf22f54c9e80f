"""Shapes of mail: to whom, of what kind, how far it is, and the state of the whole outbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from backend.kit.mail.message import Part
from backend.kit.model import Shape

Kind = Literal["address-changed", "password-link", "backup-alarm", "digest", "sign-up", "new-address"]
State = Literal["queued", "sent", "failed"]


class Recipient(Shape, frozen=True, kw_only=True):
    """A person to write to, in their language."""

    user_id: str
    address: str
    name: str
    locale: str


class Content:
    """The subject and parts of a letter."""

    def __init__(self, subject: str, parts: Sequence[Part]) -> None:
        self.subject = subject
        self.parts = tuple(parts)


class Mail(Shape, frozen=True, kw_only=True):
    """One letter in the outbox. `id` is what it is about: the same thing is never written twice.

    `body` is sealed, and gone once the letter was sent or given up. `attempts` counts how often it was tried.
    """

    id: str
    message_id: str
    user_id: str
    address: str
    kind: Kind
    state: State
    attempts: int
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None = None
    reason: str = ""
    body: str = ""


class MailBody(Shape, frozen=True, kw_only=True):
    """The sealed fields of a letter."""

    subject: str
    text: str
    html: str
    leave: str = ""


class OutboxState(Shape, frozen=True, kw_only=True):
    """How mail goes. Without a server nothing is ever queued. `failed` and `sent` are of the last 30 days."""

    is_configured: bool
    queued: int = 0
    sent: int = 0
    failed: int = 0
    oldest_at: datetime | None = None
    last_failure: str = ""
    last_failed_at: datetime | None = None


class Round(Shape, frozen=True, kw_only=True):
    """The result of one round of delivery."""

    sent: int = 0
    postponed: int = 0
    failed: int = 0
