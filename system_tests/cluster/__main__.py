"""`python -m system_tests.cluster`: a cluster on this machine until Ctrl-C; with `test`, drive one and end it."""

import argparse
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from backend.demo.school import sign_ins
from backend.kit.observability import log
from system_tests.cluster.cluster import LEARNERS, TROUBLE, Cluster

FAILED = 1


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 stopped by Ctrl-C, 1 failed (said in a sentence)."""
    said = _parser().parse_args(arguments)
    log.configure("ERROR")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM stops it as Ctrl-C does
    if said.what == "test":
        return _driven(said)
    try:
        with Cluster(said.folder.absolute(), port=said.port, report=_say) as cluster:
            _introduce(cluster)
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
            _say("Stopping …")
    except TROUBLE as error:
        _say(str(error))
        return FAILED
    except KeyboardInterrupt:  # while it started, or once more while it stopped
        _say("Interrupted.")
    return 0


def _driven(said: argparse.Namespace) -> int:
    from system_tests.cluster import suite  # noqa: PLC0415 - its browser is installed for development alone

    try:
        return 0 if suite.tried(said.folder.absolute(), _say, only=said.only, keep=not said.dry_run) else FAILED
    except TROUBLE as error:
        _say(str(error))
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def _introduce(cluster: Cluster) -> None:
    people = sign_ins(LEARNERS)
    _say(f"\n  {cluster.url}   (the certificate signs itself: the browser will ask)\n")
    _say(f"  Administrator    {people.administrator}")
    _say(f"  Teachers         {people.teachers[0]} … {people.teachers[-1]}")
    _say(f"  Students         {people.students[0]} … {people.students[-1]}")
    _say(f"  Password of all  {people.password}\n")
    for name, pid in sorted(cluster.programs().items()):
        _say(f"  {pid:>8}  {name}")
    _say(f"\n  Logs and data: {cluster.folder}. Ctrl-C stops all of it.\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m system_tests.cluster", description=__doc__)
    folder = Path(tempfile.gettempdir()) / "chapter-performance-cluster"
    parser.add_argument("--folder", type=Path, default=folder, help=f"emptied at the start ({folder})")
    parser.add_argument("what", nargs="?", choices=["up", "test"], default="up")
    parser.add_argument("--only", default="", help="of the trials, those with this word in their name")
    parser.add_argument("--dry-run", action="store_true", help="leave docs/ as they are")
    parser.add_argument("--port", type=int, default=8443, help="where nginx listens (8443)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
