"""A school that is there: how large, made when, who is in it. Pure."""

from datetime import datetime

from backend.accounts.models import Viewer
from backend.classrooms.models import Classroom
from backend.kit.model import Shape
from bench import people

CHAPTERS = 100
VERSION = 1  # count it up whenever the maker writes something else: schools made before are then made anew
SEED = 2026


class Size(Shape, frozen=True, kw_only=True):
    """A school has so many students, each with progress on 100 chapters."""

    name: str
    students: int

    @property
    def records(self) -> int:
        return self.students * CHAPTERS

    @property
    def classrooms(self) -> int:
        return -(-self.students // people.CLASS_SIZE)


SIZES = {
    each.name: each
    for each in (Size(name="10k", students=100), Size(name="100k", students=1_000), Size(name="1m", students=10_000))
}


class Made(Shape, frozen=True, kw_only=True):
    """The stamp of a school. Its people are known from their numbers; `at` is the moment at which its past ends."""

    id: str = "school"
    size: Size
    at: datetime
    version: int = VERSION
    seed: int = SEED

    def student(self, number: int) -> Viewer:
        """The student of this number (from 0), signed in."""
        return people.viewer(people.student(number, self.at), self.classroom(number // people.CLASS_SIZE).id)

    def teacher(self, number: int) -> Viewer:
        """The teacher of the classroom of this number, signed in."""
        return people.viewer(people.teacher(number, self.at), self.classroom(number).id)

    def administrator(self) -> Viewer:
        return people.viewer(people.administrator(self.at))

    def classroom(self, number: int) -> Classroom:
        return people.classroom(number, self.at)
