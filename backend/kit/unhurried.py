"""Work that may take hours: the time limit of a call, which every client has, is not for it."""

from contextlib import AbstractContextManager

import pymongo

LONGEST_SECONDS = 12 * 3600.0


def unhurried() -> AbstractContextManager[object]:
    """Calls to MongoDB within the block may take half a day.

    Not `pymongo.timeout(None)`: the driver takes that for "none was given", and uses the client's own ten seconds, in
    which the cursor of a large collection is never read to its end.
    """
    return pymongo.timeout(LONGEST_SECONDS)
