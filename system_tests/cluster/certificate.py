"""A certificate that signs itself, for a front on this machine: good for trials, believed by nobody."""

import subprocess
from pathlib import Path

from deploy.nginx import Tls


def self_signed(folder: Path) -> Tls:
    """Made with openssl for localhost and 127.0.0.1. Raises FileNotFoundError where there is no openssl."""
    made = Tls(folder / "certificate.pem", folder / "key.pem")
    words = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command = ["openssl", "req", *words, *names, "-keyout", str(made.key), "-out", str(made.certificate)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own words, openssl as it is installed
    made.key.chmod(0o600)
    return made
