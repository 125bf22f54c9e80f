"""`python -m backend.upgrade`: bring the data up to this version of the app, with a bar, and end.

Every start does the same before it serves; this is for an installation whose processes may not take long to start.
"""

import sys
from collections.abc import Sequence

from backend import terminal
from backend.bootstrap import Backend
from backend.kit.i18n import _
from backend.migrations.runner import VERSION


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 done, 1 failed (said in a sentence), 2 called wrongly."""
    if arguments:
        terminal.say(_("Usage: python -m backend.upgrade"))
        return terminal.CALLED_WRONGLY
    return terminal.run(_say_version)


def _say_version(_backend: Backend) -> int:
    terminal.say(_("The data is of version {version}.").format(version=VERSION))
    return terminal.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
