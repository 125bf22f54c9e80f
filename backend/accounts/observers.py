"""Observers of changes to people, for services that keep figures of people outside the database."""

from typing import Protocol

BOARDS_TAG = "boards"  # invalidated when members of boards and reports change, or their names


class PersonFollower(Protocol):
    def person_changed(self, person_id: str, *left: str) -> None:
        """React to a change of name, choices, role or classes; `left`: the classes the person left. Must not raise."""
        ...


class NobodyFollows:
    """The observer to use if no figures are kept."""

    def person_changed(self, person_id: str, *left: str) -> None:
        """Do nothing."""
