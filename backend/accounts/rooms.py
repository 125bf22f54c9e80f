"""Rooms in which changes are announced, and the messages: ids and counts, never names or contents."""

from collections.abc import Iterable

from backend.accounts.models import Viewer
from backend.kit.events.hub import Payload

CHANGED = "changed"
BOARDS = "boards"


def student_room(student_id: str) -> str:
    """Return the room in which a student's own tabs listen."""
    return f"student:{student_id}"


def classroom_room(classroom_id: str) -> str:
    """Return the room in which the teachers of a class listen."""
    return f"classroom:{classroom_id}"


def chapter_room(chapter_id: str, listener: Viewer) -> str:
    """Return the room of work on a chapter: of all students for teachers and admins, for a student of their own."""
    return _work_of(listener.id, chapter_id) if listener.role == "student" else f"chapter:{chapter_id}"


def boards_room(listener: Viewer) -> str:
    """Return the room of the leaderboards; for a student who takes part in none a silent one."""
    return BOARDS if listener.role != "student" or listener.board_joined else f"{student_room(listener.id)}:boards"


def of_work(student: Viewer, batch_id: str, chapter_ids: Iterable[str]) -> dict[str, Payload]:
    """Return the message per room for a student's saved work. By `batch_id` the tab that saved it knows its own."""
    ids = list(chapter_ids)
    if not ids:
        return {}
    told: dict[str, Payload] = {student_room(student.id): {"batchId": batch_id, "chapterIds": ids}}
    told |= {classroom_room(each): {"studentId": student.id, "changed": len(ids)} for each in student.classroom_ids}
    for each in ids:
        told |= {f"chapter:{each}": {"changed": 1}, _work_of(student.id, each): {"changed": 1}}
    return told


def of_membership(classroom_id: str) -> dict[str, Payload]:
    """Return the message per room for somebody who joined or left a class."""
    return {classroom_room(classroom_id): {"changed": 0}}


def _work_of(student_id: str, chapter_id: str) -> str:
    return f"{student_room(student_id)}:chapter:{chapter_id}"
