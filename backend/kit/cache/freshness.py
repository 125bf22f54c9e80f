"""Whether what a loader reads is the newest. A database that has lost its primary answers with what it knows."""

from collections.abc import Hashable
from typing import Protocol


class Truth(Protocol):
    """Whether what is loaded is the newest: only that is kept for others."""

    def truth(self) -> Hashable | None:
        """Two equal answers, not None: what was loaded between them is the newest."""
        ...

    def behind_since(self) -> float | None:
        """Since when (seconds since the epoch) loads may give something old; None where they do not."""
        ...


class AlwaysNewest:
    """Of loaders that nothing can make old."""

    def truth(self) -> Hashable:
        return True

    def behind_since(self) -> float | None:
        return None
