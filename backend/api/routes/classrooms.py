"""Classes by HTTP: made, renamed, archived and brought back, joined and left, and one learner or chapter of them."""

from typing import Annotated

from fastapi import Query, Request, Response

from backend.api.deps import BackendDep, SignedIn
from backend.api.openapi.responses import returns
from backend.api.router import Router
from backend.api.schemas import requests
from backend.api.schemas.envelope import Answer, Listing, answer
from backend.api.schemas.pagination import paged
from backend.api.schemas.requests import ClassroomId, StudentId
from backend.classrooms.models import Classroom, LearnerDetail, Matrix
from backend.errors import Invalid
from backend.kit.i18n import _

router = Router(prefix="/classrooms", tags=["Classrooms"])

Subject = Annotated[str | None, Query(min_length=1, max_length=60, description="The chapters of one subject alone")]


@router.post("", **returns(Answer[Classroom], 403, status=201, says="The new class"))
def create_classroom(body: requests.ClassroomNew, viewer: SignedIn, request: Request, backend: BackendDep) -> Response:
    """Make a class

    The caller teaches it. Its join code lets students in.
    """
    classroom = backend.classrooms.create(viewer, body.name)
    location = {"Location": f"{request.scope.get('root_path', '')}/classrooms/{classroom.id}"}
    return answer(classroom, status=201, headers=location)


@router.get("/archived", **returns(Listing[Classroom], 403, says="A page of archived classes"))
def list_archived_classrooms(query: requests.PageQuery, viewer: SignedIn, backend: BackendDep) -> Response:
    """List archived classes

    Those that the caller could bring back.
    """
    return paged(backend.classrooms.archived(viewer), query, lambda each: (each.name, each.id))


@router.post("/join", **returns(Answer[Classroom], 403, says="The class"))
def join_classroom(body: requests.Join, viewer: SignedIn, backend: BackendDep) -> Response:
    """Join a class

    For a student who has an account; twice does it once.
    """
    return answer(backend.classrooms.join(viewer, body.join_code))


@router.get("/{classroomId}", **returns(Answer[Classroom], 404, says="The class"))
def get_classroom(classroom_id: ClassroomId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Read a class

    Its students see no join code.
    """
    return answer(backend.classrooms.get(viewer, classroom_id))


@router.patch("/{classroomId}", **returns(Answer[Classroom], 403, 404, says="The class after the change"))
def change_classroom(
    classroom_id: ClassroomId, body: requests.ClassroomChange, viewer: SignedIn, backend: BackendDep
) -> Response:
    """Change a class

    Its name, and how students come onto its leaderboard.
    """
    if body.name is None and body.board_mode is None:
        raise Invalid(_("Say what to change."))
    classroom = backend.classrooms.taught(viewer, classroom_id, "classrooms.rename")
    if body.name is not None:
        classroom = backend.classrooms.rename(viewer, classroom_id, body.name)
    if body.board_mode is not None:
        classroom = backend.classrooms.set_board_mode(viewer, classroom_id, body.board_mode)
    return answer(classroom)


@router.delete("/{classroomId}", **returns(Answer[Classroom], 403, 404, says="The archived class"))
def archive_classroom(classroom_id: ClassroomId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Archive a class

    It leaves every list and its code stops working. Nobody's progress changes.
    """
    return answer(backend.classrooms.archive(viewer, classroom_id))


@router.post("/{classroomId}/restore", **returns(Answer[Classroom], 403, 404, says="The class"))
def restore_classroom(classroom_id: ClassroomId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Bring a class back from the archive

    With its members, its code and its leaderboard.
    """
    return answer(backend.classrooms.bring_back(viewer, classroom_id))


@router.post("/{classroomId}/join-code", **returns(Answer[Classroom], 403, 404, says="The class"))
def renew_join_code(classroom_id: ClassroomId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Make a fresh join code

    The old one stops working at once.
    """
    return answer(backend.classrooms.renew_code(viewer, classroom_id))


@router.get("/{classroomId}/matrix", **returns(Answer[Matrix], 403, 404, says="Learners by chapters"))
def classroom_matrix(
    classroom_id: ClassroomId, viewer: SignedIn, backend: BackendDep, subject: Subject = None
) -> Response:
    """Learners by chapters

    A cell is null where a learner never touched the chapter. For its teacher and admins.
    """
    return answer(backend.reports.matrix(viewer, classroom_id, subject))


@router.get("/{classroomId}/students/{studentId}", **returns(Answer[LearnerDetail], 403, 404, says="The learner"))
def classroom_student(
    classroom_id: ClassroomId, student_id: StudentId, viewer: SignedIn, backend: BackendDep
) -> Response:
    """Read one learner

    Totals, recent work, weak chapters and weeks. For the teacher of the class and admins.
    """
    return answer(backend.reports.learner(viewer, classroom_id, student_id))


@router.delete("/{classroomId}/students/{studentId}", **returns(Answer[None], 403, 404, says="The student has left"))
def remove_student(classroom_id: ClassroomId, student_id: StudentId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Take a student out of a class

    Their account and their progress stay as they are.
    """
    backend.classrooms.remove_student(viewer, classroom_id, student_id)
    return answer(None)
