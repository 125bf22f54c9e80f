"""A teacher's groups: made, joined by code, left. Who may see which; the figures of a class are in report.py."""

from backend.accounts.models import Viewer
from backend.classrooms.models import BoardMode, Classroom


class ClassroomService:
    def create(self, viewer: Viewer, name: str) -> Classroom:
        """A new classroom taught by the viewer (teacher or admin). Raises Invalid for a bad name."""
        raise NotImplementedError

    def rename(self, viewer: Viewer, classroom_id: str, name: str) -> Classroom:
        """The classroom under its new name."""
        raise NotImplementedError

    def renew_code(self, viewer: Viewer, classroom_id: str) -> Classroom:
        """The classroom with a fresh join code; the old one stops working."""
        raise NotImplementedError

    def set_board_mode(self, viewer: Viewer, classroom_id: str, mode: BoardMode) -> Classroom:
        """Switch the class leaderboard "off" or "opt-in". Raises Invalid."""
        raise NotImplementedError

    def archive(self, viewer: Viewer, classroom_id: str) -> Classroom:
        """Take a classroom out of every list; its code stops working, nobody's progress changes."""
        raise NotImplementedError

    def classrooms(self, viewer: Viewer) -> tuple[Classroom, ...]:
        """By name: those a teacher teaches, a student is in (without join codes), or all for an admin."""
        raise NotImplementedError

    def get(self, viewer: Viewer, classroom_id: str) -> Classroom:
        """A classroom that the viewer may see. Raises NotFound for any other: its existence is a secret."""
        raise NotImplementedError

    def taught(self, viewer: Viewer, classroom_id: str) -> Classroom:
        """A classroom whose learners the viewer may see: its teacher or an admin. Raises NotAllowed, NotFound."""
        raise NotImplementedError

    def join(self, viewer: Viewer, code: str) -> Classroom:
        """A signed-in student enters the class of a join code; twice does it once. Raises Invalid."""
        raise NotImplementedError

    def remove_student(self, viewer: Viewer, classroom_id: str, student_id: str) -> None:
        """Take a student out of the class; her progress stays hers. Raises NotFound."""
        raise NotImplementedError
