"""When the certificate of an https address or of a file ends. Knows nothing of what it is used for."""

import socket
import ssl
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from cryptography import x509

from backend.errors import Unavailable

HTTPS = 443
CONNECT_SECONDS = 1.5


class Certificate(NamedTuple):
    """A certificate's names, its end date, and why a browser would refuse it ("" if it would not)."""

    names: tuple[str, ...]
    until: datetime
    problem: str = ""


def of_file(path: Path) -> Certificate:
    """The first certificate of a PEM file. Raises Unavailable."""
    try:
        return _read(x509.load_pem_x509_certificate(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise Unavailable(f"{path}: {error}") from error


def of_address(url: str) -> Certificate:
    """Return the certificate of the server at an https address, and any problem of trust. Raises Unavailable."""
    problem = ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or HTTPS
        try:
            shown = _shown(host, port, ssl.create_default_context())
        except ssl.SSLCertVerificationError as error:
            problem = error.verify_message
            shown = _shown(host, port, _trusting())
        return _read(x509.load_der_x509_certificate(shown))._replace(problem=problem)
    except (OSError, ValueError) as error:
        raise Unavailable(f"{url}: {error}") from error


def _shown(host: str, port: int, context: ssl.SSLContext) -> bytes:
    with (
        socket.create_connection((host, port), CONNECT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def _trusting() -> ssl.SSLContext:
    """Only the end of the certificate is read over it, and nothing is sent."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _read(certificate: x509.Certificate) -> Certificate:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = tuple(extension.value.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        names = ()
    return Certificate(names, certificate.not_valid_after_utc)
