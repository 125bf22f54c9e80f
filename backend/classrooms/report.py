"""What a class looks like: the report, one learner, the matrix, weeks, averages. Reads only."""

from backend.accounts.models import Viewer
from backend.classrooms.models import ChapterAverage, ClassReport, LearnerDetail, Matrix, Week


class ClassroomReports:
    def report(self, viewer: Viewer, classroom_id: str) -> ClassReport:
        """Key figures and a row per learner, most in need of attention first. For its teacher and admins."""
        raise NotImplementedError

    def learner(self, viewer: Viewer, classroom_id: str, student_id: str) -> LearnerDetail:
        """One learner beside the list. Raises NotFound for who is not in this class."""
        raise NotImplementedError

    def matrix(self, viewer: Viewer, classroom_id: str, subject: str | None = None) -> Matrix:
        """Learners × active chapters, of one subject or all."""
        raise NotImplementedError

    def completions_over_time(self, viewer: Viewer, classroom_id: str, weeks: int = 12) -> tuple[Week, ...]:
        """Chapters completed and questions solved per week, oldest first, the running week last."""
        raise NotImplementedError

    def chapter_average(self, viewer: Viewer, chapter_id: str) -> ChapterAverage | None:
        """A student's own classes on one chapter; None where she has fewer than 5 classmates."""
        raise NotImplementedError
