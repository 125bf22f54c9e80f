"""Letters by SMTP: a server's address is read, a letter is made, and handed over by a line that checks certificates.

Knows no queue and no person: what is sent, to whom and when is decided by who calls.
"""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

Security = Literal["none", "starttls", "tls"]

TIMEOUT_SECONDS = 20.0
LONGEST_SUBJECT = 200
_PORTS: dict[Security, int] = {"none": 25, "starttls": 587, "tls": 465}
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_FIRST_PERMANENT = 500


class NotNow(Exception):
    """The letter may be taken later: the server is away, busy, or says "try again"."""


class ServerAway(NotNow):
    """The server takes no letters at present, for any recipient."""


class Refused(Exception):
    """The letter will never be taken as it is: no such address, or nothing that a server may carry."""


@dataclass(frozen=True)
class MailServer:
    """The SMTP server for letters. With "starttls" and "tls" its certificate is checked before anything is sent."""

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Letter:
    """One letter to one person. `id` becomes its Message-ID, the same each time it is tried; `leave` is the address
    where the recipient can unsubscribe from letters of this kind."""

    id: str
    to: str
    subject: str
    text: str
    html: str = ""
    leave: str = ""


def parse_server(url: str) -> MailServer:
    """The server of smtp://user:password@host:587?starttls, smtps://host or smtp://localhost:1025.

    Raises ValueError, without telling the password; also where one would travel unprotected.
    """
    parts = urlsplit(url)
    options = {name for name, _value in parse_qsl(parts.query, keep_blank_values=True)}
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or options - {"starttls"}:
        raise ValueError("is no address such as smtp://user:password@mail.school.example:587?starttls")
    security: Security = "tls" if parts.scheme == "smtps" else "starttls" if "starttls" in options else "none"
    if parts.password and security == "none" and parts.hostname not in _LOCAL:
        raise ValueError("would send the password unprotected: use smtps:// or ?starttls")
    return MailServer(
        host=parts.hostname,
        port=parts.port or _PORTS[security],
        security=security,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def parse_sender(written: str) -> Address:
    """The sender of "Name <address>" or "address". Raises ValueError."""
    name, address = parseaddr(written)
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or any(each in written for each in "\r\n\0"):
        raise ValueError("is no address such as “School <learn@school.example>”")
    return Address(name, local, domain)


def message(letter: Letter, sender: Address, at: datetime) -> EmailMessage:
    """The letter as it travels: text, HTML beside it, and headers that keep answering machines quiet.

    Raises Refused where an address or the subject would add headers of its own, or cannot be written.
    """
    made = EmailMessage(policy=SMTP)
    try:
        _check_line(letter.to, letter.subject, letter.leave, letter.id)
        local, _at, domain = letter.to.rpartition("@")
        made["From"] = sender
        made["To"] = Address("", local, domain)
        made["Subject"] = letter.subject[:LONGEST_SUBJECT]
        made["Date"] = format_datetime(at)
        made["Message-ID"] = f"<{letter.id}@{sender.domain}>"
        made["Auto-Submitted"] = "auto-generated"
        if letter.leave:  # RFC 2369 and 8058: mail programs show a button, which asks no question
            made["List-Unsubscribe"] = f"<{letter.leave}>"
            made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    except (ValueError, IndexError, UnicodeError) as error:
        raise Refused(f"it cannot be written: {error}") from error
    made.set_content(letter.text, cte="quoted-printable")
    if letter.html:
        made.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    return made


class SmtpConnection:
    """An open connection to the server, for one letter after the other."""

    def __init__(self, smtp: smtplib.SMTP, sender: Address, now: Callable[[], datetime]) -> None:
        self._smtp = smtp
        self._sender = sender
        self._now = now

    def send(self, letter: Letter) -> None:
        """Hand a letter over. Raises Refused, NotNow."""
        made = message(letter, self._sender, self._now())
        try:
            self._smtp.send_message(made)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise _as_said(code, said) from error
        except smtplib.SMTPResponseException as error:
            raise _as_said(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPNotSupportedError, UnicodeError) as error:
            raise Refused(str(error)) from error
        except (smtplib.SMTPException, OSError) as error:
            raise ServerAway(_words(error)) from error


class Post:
    """The way out of one school: a server and a sender. Connects only within `line`."""

    def __init__(
        self,
        server: MailServer,
        sender: Address,
        now: Callable[[], datetime],
        *,
        trusted: ssl.SSLContext | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._server = server
        self._sender = sender
        self._now = now
        self._trusted = trusted
        self._timeout = timeout_seconds

    @contextmanager
    def line(self) -> Iterator[SmtpConnection]:
        """A connection, signed in where a user is set. Raises ServerAway; also for a certificate that is not right."""
        try:
            smtp = self._connected()
        except (smtplib.SMTPException, OSError) as error:
            raise ServerAway(_words(error)) from error
        try:
            yield SmtpConnection(smtp, self._sender, self._now)
        finally:
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()
            smtp.close()

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        if server.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=self._timeout, context=self._context()
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
        try:
            if server.security == "starttls":
                smtp.starttls(context=self._context())
            if server.user:
                smtp.login(server.user, server.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _context(self) -> ssl.SSLContext:
        return self._trusted or ssl.create_default_context()


def _check_line(*texts: str) -> None:
    for text in texts:
        if any(each in text for each in "\r\n\0"):
            raise ValueError("a line break where none may be")


def _as_said(code: int, said: bytes | str) -> Exception:
    words = f"{code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    return Refused(words) if code >= _FIRST_PERMANENT else NotNow(words)


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    return str(error) or type(error).__name__
