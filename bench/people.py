"""Who goes to a bench school: the same people for the same numbers, as accounts and as viewers. Pure."""

from datetime import datetime, timedelta

from backend.accounts.models import User, Viewer
from backend.classrooms.join_code import ALPHABET, LENGTH
from backend.classrooms.models import Classroom
from backend.kit.mongo.client import stable_id

CLASS_SIZE = 60
ZONE = "Asia/Kolkata"
PASSWORD = "bench-school-2026"  # noqa: S105 - nobody's: it opens accounts of invented people on a private server
BEGUN = timedelta(days=120)


def student(number: int, at: datetime) -> User:
    """The student of this number (0, 1, …), who is on the leaderboard: so boards are as long as the school."""
    return User(
        id=stable_id("student", str(number)),
        email=f"student{number}@bench.school",
        name=f"Student {number:05}",
        role="student",
        time_zone=ZONE,
        exam_date=(at + timedelta(days=90)).date(),
        board_joined=True,
        board_name=f"Learner {number:05}",
        created_at=at - BEGUN,
    )


def teacher(number: int, at: datetime) -> User:
    """The teacher of the classroom of this number."""
    return User(
        id=stable_id("teacher", str(number)),
        email=f"teacher{number}@bench.school",
        name=f"Teacher {number:03}",
        role="teacher",
        time_zone=ZONE,
        created_at=at - BEGUN,
    )


def administrator(at: datetime) -> User:
    """The one who may see everything."""
    return User(
        id=stable_id("admin"),
        email="admin@bench.school",
        name="Administrator",
        role="admin",
        time_zone=ZONE,
        created_at=at - BEGUN,
    )


def classroom(number: int, at: datetime) -> Classroom:
    """The classroom of this number; students of numbers 60 n to 60 n + 59 are in it."""
    code = "".join(ALPHABET[number // len(ALPHABET) ** place % len(ALPHABET)] for place in range(LENGTH))
    return Classroom(
        id=stable_id("classroom", str(number)),
        name=f"Class {number:03}",
        teacher_ids=(teacher(number, at).id,),
        join_code=code,
        created_at=at - BEGUN,
    )


def viewer(user: User, classroom_id: str = "") -> Viewer:
    """The person as a service call receives her."""
    return Viewer(
        id=user.id,
        name=user.name,
        email=user.email,
        role=user.role,
        classroom_ids=(classroom_id,) if classroom_id else (),
        time_zone=user.time_zone,
        exam_date=user.exam_date,
        board_joined=user.board_joined,
        board_name=user.board_name,
    )
