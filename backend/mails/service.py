"""Mail for the other services: a letter is put in the outbox, and any running process soon delivers it."""

from collections.abc import Callable
from datetime import timedelta
from time import perf_counter
from typing import Any

import msgspec

from backend.kit.clock import Clock
from backend.kit.i18n import speaking
from backend.kit.mail.message import as_html, as_text
from backend.kit.mail.smtp import Letter, NotNow, Post, Refused, ServerAway, SmtpConnection
from backend.kit.mongo.client import new_id
from backend.kit.observability import log
from backend.kit.observability.metrics import MAILS, Registry
from backend.kit.security.encryption import Sealer
from backend.mails.models import Content, Kind, Mail, MailBody, OutboxState, Recipient, Round
from backend.mails.queries import MailQueries

HOLD = timedelta(minutes=5)  # longer than a server may take; then the process that tried it is presumed dead
# After each attempt that may succeed later; after the last the letter is given up, 22 hours after it was written.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720))
MOST_AT_ONCE = 500

_log = log.get(__name__)


class MailService:
    """Without a `post` no mail is sent and none is queued: a server that is set later finds no old letters."""

    def __init__(
        self,
        queries: MailQueries,
        sealer: Sealer,
        clock: Clock,
        registry: Registry,
        post: Post | None,
        *,
        school: str,
        base_url: str,
    ) -> None:
        self._queries = queries
        self._sealer = sealer
        self._clock = clock
        self._registry = registry
        self._post = post
        self.school = school
        self.base_url = base_url.rstrip("/")

    @property
    def is_configured(self) -> bool:
        """Whether mail can be sent at all."""
        return self._post is not None

    @property
    def can_link(self) -> bool:
        """Whether mail can be sent and contain links to the school."""
        return self.is_configured and bool(self.base_url)

    def queue(
        self,
        kind: Kind,
        key: str,
        to: Recipient,
        write: Callable[[], Content],
        *,
        leave: str = "",
        session: Any = None,
    ) -> bool:
        """Write to a person in their language, once for each `key`; with a session, if its transaction is saved.

        Return False if no mail is sent from here, or this was written before. Raises Unavailable.
        """
        if self._post is None:
            return False
        now = self._clock.now()
        with speaking(to.locale):
            content = write()
            html = as_html(content.parts, language=to.locale.partition("_")[0])
        body = MailBody(subject=content.subject, text=as_text(content.parts), html=html, leave=leave)
        mail = Mail(
            id=f"{kind}:{key}",
            message_id=new_id(),
            user_id=to.user_id,
            address=to.address,
            kind=kind,
            state="queued",
            attempts=0,
            created_at=now,
            due_at=now,
            body=self._sealer.seal(msgspec.json.encode(body).decode()),
        )
        return self._queries.add(mail, session)

    def administrators(self) -> tuple[Recipient, ...]:
        """Return the administrators, who are told when something is wrong with the school."""
        return self._queries.administrators()

    def state(self) -> OutboxState:
        """Return the state of the outbox. Raises Unavailable."""
        return self._queries.state() if self.is_configured else OutboxState(is_configured=False)

    def deliver(self, *, should_stop: Callable[[], bool] = lambda: False) -> Round:
        """Hand over what is due, over one connection. Raises Unavailable where the database is away.

        A letter goes out once, but for a process that dies between the server's yes and writing that down: then it
        goes again, with the same Message-ID.
        """
        if self._post is None or not (mail := self._claimed()):
            return Round()
        sent = postponed = failed = 0
        try:
            with self._post.line() as line:
                while mail:
                    state = self._tried(line, mail)
                    sent, postponed, failed = (
                        sent + (state == "sent"),
                        postponed + (state == "queued"),
                        failed + (state == "failed"),
                    )
                    is_enough = sent + postponed + failed >= MOST_AT_ONCE or should_stop()
                    mail = None if is_enough else self._claimed()
        except ServerAway as error:
            state = self._later(mail, str(error)) if mail else "queued"
            postponed, failed = postponed + (state == "queued"), failed + (state == "failed")
        return Round(sent=sent, postponed=postponed, failed=failed)

    def _claimed(self) -> Mail | None:
        return self._queries.claim(self._clock.now(), HOLD)

    def _tried(self, line: SmtpConnection, mail: Mail) -> str:
        """The state of the letter after this attempt. Raises ServerAway."""
        started, is_sent = perf_counter(), False
        try:
            line.send(self._letter(mail))
            is_sent = True
            self._queries.sent(mail, self._clock.now())
        except ServerAway:
            raise
        except NotNow as error:
            return self._later(mail, str(error))
        except Refused as error:
            return self._give_up(mail, str(error))
        finally:
            self._registry.observe(MAILS, mail.kind, perf_counter() - started, failed=not is_sent)
        return "sent"

    def _letter(self, mail: Mail) -> Letter:
        opened = self._sealer.open(mail.body)
        if opened is None:
            raise Refused("the key that it was sealed with is gone")
        body = msgspec.json.decode(opened, type=MailBody)
        return Letter(
            id=mail.message_id, to=mail.address, subject=body.subject, text=body.text, html=body.html, leave=body.leave
        )

    def _later(self, mail: Mail, reason: str) -> str:
        if mail.attempts > len(PAUSES):
            return self._give_up(mail, reason)
        pause = PAUSES[mail.attempts - 1]
        _log.warning("mail_waits", mail=mail.kind, attempt=mail.attempts, reason=reason[:300])
        self._queries.postpone(mail, reason[:300], self._clock.now() + pause)
        return "queued"

    def _give_up(self, mail: Mail, reason: str) -> str:
        _log.error("mail_given_up", mail=mail.kind, attempt=mail.attempts, reason=reason[:300])
        self._queries.failed(mail, reason[:300], self._clock.now())
        return "failed"
