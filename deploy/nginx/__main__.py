"""`python -m deploy.nginx --web a=10.0.0.1:8501 …` prints the configuration of the nginx in front of those."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.nginx import Front, Tls

CALLED_WRONGLY = 2


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 printed, 2 called wrongly (said in a sentence)."""
    said = _parser().parse_args(arguments)
    try:
        sys.stdout.write(_front(said).text())
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return CALLED_WRONGLY
    return 0


def _front(said: argparse.Namespace) -> Front:
    if bool(said.certificate) != bool(said.key):
        raise ValueError("a certificate needs its key, and a key its certificate")
    pairs = [each.partition("=") for each in said.web]
    return Front(
        folder=said.folder,
        web={name: address for name, _is, address in pairs},
        api=said.api,
        listen=said.listen,
        http_listen=said.http_listen,
        tls=Tls(said.certificate, said.key) if said.certificate else None,
        names=said.name,
        access_log=said.access_log,
        error_log=said.error_log,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.nginx", description=__doc__)
    parser.add_argument("--web", action="append", required=True, metavar="NAME=IP:PORT", help="a process with pages")
    parser.add_argument("--api", action="append", default=[], metavar="HOST:PORT", help="a process with the API alone")
    parser.add_argument("--name", action="append", default=[], help="a host name of the school; others are refused")
    parser.add_argument("--listen", default="443", help="port, or ADDRESS:PORT (443)")
    parser.add_argument("--http-listen", default="", help="port that leads plain HTTP to HTTPS, such as 80")
    parser.add_argument("--certificate", type=Path, help="certificate with its chain (PEM)")
    parser.add_argument("--key", type=Path, help="its key (PEM)")
    parser.add_argument("--folder", type=Path, default=Path("/var/lib/nginx"), help="for its files (/var/lib/nginx)")
    parser.add_argument("--access-log", default="/var/log/nginx/access.log")
    parser.add_argument("--error-log", default="/var/log/nginx/error.log")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
