"""`python -m system_tests.soak --minutes 60`: a whole cluster on this machine, mixed work, and a fault each minute."""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from backend.kit.observability import log
from system_tests.cluster.cluster import TROUBLE, Cluster
from system_tests.soak import report
from system_tests.soak.scenario import GENEROUS, soak

FAILED = 1
LEAST_MINUTES = 3


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 nothing lost, every sum right, all mended, and nothing grew; 1 otherwise."""
    said = _parser().parse_args(arguments)
    if said.publish:
        report.write(json.loads(said.publish.read_text()))
        return 0
    log.configure("CRITICAL")  # what fails is counted
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Cluster(said.folder.absolute(), settings=GENEROUS, report=_say) as cluster:
            _say(f"A cluster at {cluster.url}; logs in {cluster.folder}.")
            found = soak(cluster, max(LEAST_MINUTES, said.minutes), _say)
    except TROUBLE as error:
        _say(f"{type(error).__name__}: {error}")
        return FAILED
    except KeyboardInterrupt:
        _say("Interrupted: nothing was written.")
        return FAILED
    told = report.summary(found)
    if said.json:
        said.json.write_text(json.dumps(told, indent=1) + "\n")
    else:
        report.write(told)
    _say(report.text(told))
    return 0 if found.verdict.is_clean else FAILED


def _say(line: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m system_tests.soak", description=__doc__)
    folder = Path(tempfile.gettempdir()) / "chapter-performance-soak"
    parser.add_argument("--minutes", type=int, default=60, help="how long (60)")
    parser.add_argument("--folder", type=Path, default=folder, help=f"emptied at the start ({folder})")
    parser.add_argument("--json", type=Path, help="write the findings there and leave docs/ as they are")
    parser.add_argument("--publish", type=Path, help="run nothing: bring such findings into docs/")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
