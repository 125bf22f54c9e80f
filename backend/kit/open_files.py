"""How many files and sockets this process may hold open: each tab of a browser takes four."""

import resource
from contextlib import suppress


def raise_limit() -> None:
    """Raise the limit of this process, and of those it starts, as far as the system lets it: to its hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # macOS names a hard limit that it does not grant
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def limit() -> int | None:
    """Return how many this process may hold open; None where nothing limits them."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft
