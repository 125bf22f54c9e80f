"""A real SMTP server for tests: it keeps what it takes, answers as told, and speaks TLS with a paper of its own."""

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "school", "let me through"


class PostOffice:
    """What came in, and the answers to give: first those of `answers`, in order, then "taken"."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.answers: list[str] = []
        self.tried = 0
        self.port = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802  (its caller's)
        """aiosmtpd's name for: here is a letter."""
        self.tried += 1
        if self.answers:
            return self.answers.pop(0)
        content = cast(bytes, envelope.content)
        self.taken.append(message_from_bytes(content, policy=default))
        return "250 taken"


class AnyPort(Controller):
    """On a port that the system picks: the controller calls itself on the one that it was told."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]  # it has started
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library says no types


Opened = Callable[..., PostOffice]


@pytest.fixture
def open_post() -> Iterator[Opened]:
    """`open_post()` starts a server on a free port; keywords are aiosmtpd's own."""
    running: list[Controller] = []

    def opened(**options: Any) -> PostOffice:
        office = PostOffice()
        controller = AnyPort(office, hostname="127.0.0.1", port=0, **options)
        controller.start()
        running.append(controller)
        office.port = controller.port
        return office

    yield opened
    for controller in running:
        controller.stop()


class Paper:
    """A certificate for 127.0.0.1 that nobody but its own file vouches for."""

    def __init__(self, folder: Path) -> None:
        key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "t")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.file = folder / "certificate.pem"
        self.file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )

    def for_server(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.file)
        return context

    def for_client(self) -> ssl.SSLContext:
        """One that trusts this paper alone."""
        return ssl.create_default_context(cafile=str(self.file))


def knows_the_password(_server: Any, _session: Any, _envelope: Any, _mechanism: str, said: Any) -> AuthResult:
    """Whether who signs in is the school."""
    is_right = isinstance(said, LoginPassword) and (said.login, said.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=is_right)  # else the server says no


def text_of(letter: EmailMessage) -> str:
    """The plain part of a letter."""
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html_of(letter: EmailMessage) -> str:
    """The HTML part of a letter."""
    part = letter.get_body(("html",))
    assert part is not None
    return str(part.get_content())
