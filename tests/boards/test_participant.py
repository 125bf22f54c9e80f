"""Who takes part in leaderboards: only by a choice, and only under a name that she chose."""

import pytest
from msgspec.structs import replace

from backend.accounts.models import Viewer
from backend.boards.service import is_participant


@pytest.mark.parametrize(
    ("joined", "name", "takes_part"),
    [(True, "Comet", True), (True, None, False), (True, "", False), (False, "Comet", False)],
)
def test_joining_and_a_name_make_a_participant(
    student: Viewer, joined: bool, name: str | None, takes_part: bool
) -> None:
    """Without a name of her own choice nobody is shown, least of all under the one she is called by."""
    assert is_participant(replace(student, board_joined=joined, board_name=name)) is takes_part
