"""Whoever keeps figures of people outside the database is told when one of them changes otherwise than by her work."""

from typing import Protocol


class PersonFollower(Protocol):
    def person_changed(self, person_id: str, *left: str) -> None:
        """Her name, choices, role or classes changed; `left`: classes that she is no longer in. Must not raise."""
        ...


class NobodyFollows:
    """Where no figures are kept."""

    def person_changed(self, person_id: str, *left: str) -> None:
        """Nothing to do."""
