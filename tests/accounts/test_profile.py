"""One's own profile: what may be set, and what is refused with everything left as it was."""

from datetime import date

import pytest

from backend.accounts.models import ProfileChange, Viewer
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.errors import Conflict, Invalid, NotSignedIn
from tests.school import School

WHOLE = ProfileChange(
    name="  Sita   Devi ",
    daily_goal=35,
    exam_date=date(2027, 4, 4),
    time_zone="Asia/Dubai",
    day_end_hour=3,
    board_joined=True,
    board_name="Comet",
)


def test_everything_is_saved_and_seen_at_once(backend: Backend, school: School, student: Viewer) -> None:
    """A profile change is in the account and in the viewer of the next click."""
    saved = backend.accounts.update_profile(student, WHOLE)
    user = school.user(student)
    assert saved == user
    assert (user.name, user.daily_goal, user.exam_date) == ("Sita Devi", 35, date(2027, 4, 4))
    viewer = school.viewer(user)
    assert (viewer.time_zone, viewer.day_end_hour, viewer.board_joined, viewer.board_name) == (
        "Asia/Dubai",
        3,
        True,
        "Comet",
    )


def test_the_exam_date_can_be_taken_back(backend: Backend, school: School, student: Viewer) -> None:
    """An exam date that was set can be emptied again."""
    backend.accounts.update_profile(student, WHOLE)
    backend.accounts.update_profile(student, ProfileChange(clear_exam_date=True))
    assert school.user(student).exam_date is None


def test_leaving_the_board_keeps_the_display_name(backend: Backend, school: School, student: Viewer) -> None:
    """Leaving is one change, and coming back needs no new name."""
    backend.accounts.update_profile(student, WHOLE)
    backend.accounts.update_profile(student, ProfileChange(board_joined=False))
    assert not school.user(student).board_joined
    assert backend.accounts.update_profile(student, ProfileChange(board_joined=True)).board_name == "Comet"


@pytest.mark.parametrize(
    "change",
    [
        ProfileChange(name=" "),
        ProfileChange(name="x" * 81),
        ProfileChange(daily_goal=0),
        ProfileChange(daily_goal=501),
        ProfileChange(exam_date=date(1999, 1, 1)),
        ProfileChange(time_zone="Mars/Olympus"),
        ProfileChange(time_zone="../../etc/passwd"),
        ProfileChange(day_end_hour=7),
        ProfileChange(day_end_hour=-1),
        ProfileChange(board_name="x" * 31),
        ProfileChange(board_joined=True),
    ],
    ids=str,
)
def test_bad_values_change_nothing(backend: Backend, school: School, student: Viewer, change: ProfileChange) -> None:
    """A refused change leaves the account as it was."""
    before = school.user(student)
    with pytest.raises(Invalid):
        backend.accounts.update_profile(student, change)
    assert school.user(student) == before


def test_a_guest_has_no_profile(backend: Backend) -> None:
    """Nobody's profile cannot be read or changed."""
    with pytest.raises(NotSignedIn):
        backend.accounts.me(None)  # type: ignore[arg-type]  # what a careless caller would pass


@pytest.mark.parametrize("twin", ["Comet", "comet", "Comet\ufe0f", " COMET ", "C\u043emet", "Ｃomet", "C0met"])
def test_a_display_name_is_one_persons(
    backend: Backend, student: Viewer, school: School, classroom: Classroom, twin: str
) -> None:
    """No other name that looks the same stands on the boards, until its owner leaves them."""
    other = school.student(classroom, "Other")
    backend.accounts.update_profile(student, ProfileChange(board_name="Comet", board_joined=True))
    with pytest.raises(Conflict, match="looks like it"):
        backend.accounts.update_profile(other, ProfileChange(board_name=twin, board_joined=True))
    with pytest.raises(Conflict, match="looks like it"):
        backend.accounts.change_email(other, "new@example.org", ProfileChange(board_name=twin, board_joined=True))
    backend.accounts.update_profile(student, ProfileChange(board_joined=False))
    backend.accounts.update_profile(other, ProfileChange(board_name=twin, board_joined=True))
    with pytest.raises(Conflict, match="looks like it"):
        backend.accounts.update_profile(student, ProfileChange(board_joined=True))
    assert backend.accounts.update_profile(student, ProfileChange(board_name="Comets", board_joined=True)).board_joined


def test_a_name_may_be_spelt_with_joiners(backend: Backend, student: Viewer) -> None:
    """Joiners of Hindi and of emoji stay, invisible signs leave, and what shows nothing is refused."""
    for name in ("क्\u200dष", "श्\u200cर", "Sita 👩\u200d🔬"):
        assert backend.accounts.update_profile(student, ProfileChange(name=name)).name == name
    for name in ("\u202eSita", "Si\u200bta", "\u200eSita", "Sita\ufe0f"):
        assert backend.accounts.update_profile(student, ProfileChange(name=name)).name == "Sita"
    for name in (
        "Si\u0000ta",
        "Si\ud800ta",
        "\u200d\u200c",
        "\u3164",
        "\u2800\u2800",
        "\ufe0f",
        "\u180b",
        "\U0001d159",
    ):
        with pytest.raises(Invalid):
            backend.accounts.update_profile(student, ProfileChange(name=name))
