"""The worker as it runs in life, except that it dies by kill -9 at the step that its command line names."""

import functools
import importlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from backend import worker

STEPS = {
    "once it leads": "backend.statistics.queries:ProjectorQueries.lead",
    "once it has its place": "backend.statistics.queries:ProjectorQueries.claim",
    "when all was added up, before it is written": "backend.statistics.recount_queries:Recount.run",
    "in the transaction of a rebuild": "backend.statistics.queries:ProjectorQueries._move",
    "once it listens": "backend.statistics.queries:ProjectorQueries.follow",
    "when boards know, before statistics do": "backend.boards.board_store:BoardStore.work_saved",
    "in the transaction of a batch": "backend.statistics.queries:_increments",
    "when a batch is committed, before anybody is told": "backend.statistics.queries:ProjectorQueries.apply",
    "when its lease is renewed": "backend.statistics.queries:ProjectorQueries.keep_leading",
    "in a job": "backend.kit.cache.warming:Warmer.run",
}
"""What the worker has just done when it dies. Each names a function."""

REBUILDS = frozenset({"when all was added up, before it is written", "in the transaction of a rebuild"})
"""Steps that a worker comes by only where nobody ever knew its place."""


def deadly(work: Callable[..., Any]) -> Callable[..., Any]:
    """The same, and then the end of this process."""

    @functools.wraps(work)
    def dies(*arguments: Any, **options: Any) -> Any:
        work(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    return dies


def arm(step: str) -> None:
    """Let the function of this step be deadly."""
    module, _, path = STEPS[step].partition(":")
    owner: Any = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    setattr(owner, name, deadly(getattr(owner, name)))


if __name__ == "__main__":
    arm(sys.argv[1])
    sys.exit(worker.main([]))
