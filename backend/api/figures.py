"""Figures over many students: statistics, classrooms, leaderboards."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from backend.api import requests
from backend.api.answers import Answer, Listing, answer
from backend.api.deps import BackendDep, SignedIn
from backend.api.documented import returns
from backend.api.items import ClassStatistics
from backend.api.pages import paged
from backend.api.requests import ClassroomId
from backend.boards.models import Board
from backend.classrooms.models import Classroom, Learner
from backend.classrooms.report import by_urgency
from backend.errors import Invalid
from backend.kit.i18n import _
from backend.statistics.models import GROUPINGS, Grouping, Statistics

WEEKS = 12
NEIGHBOURS = 3

router = APIRouter()
GroupBy = Annotated[
    str,
    Query(
        alias="groupBy",
        pattern=rf"^({'|'.join(GROUPINGS)})(,({'|'.join(GROUPINGS)}))*$",
        description="One or more of subject, class, unit, chapter, with commas between",
        examples=["subject,class"],
    ),
]


@router.get("/statistics", tags=["Statistics"], **returns(Answer[Statistics], says="A row for each group"))
def statistics(viewer: SignedIn, backend: BackendDep, group_by: GroupBy = "subject") -> Response:
    """Statistics over all students

    Sums over the syllabus, a row for each group; chapters that nobody has begun count as well.
    """
    return answer(backend.statistics.statistics(viewer, _groupings(group_by)))


@router.get("/classrooms", tags=["Classrooms"], **returns(Listing[Classroom], says="A page of classes"))
def list_classrooms(query: requests.PageQuery, viewer: SignedIn, backend: BackendDep) -> Response:
    """List classes

    Those a teacher teaches, those a student is in (without join codes), all of them for an admin.
    """
    return paged(backend.classrooms.classrooms(viewer), query, lambda each: (each.name, each.id))


@router.get(
    "/classrooms/{classroomId}/statistics",
    tags=["Classrooms"],
    **returns(Answer[ClassStatistics], 403, 404, says="Key figures and weeks"),
)
def classroom_statistics(classroom_id: ClassroomId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Statistics of a class

    Key figures and the last twelve weeks. For its teacher and admins.
    """
    report = backend.reports.report(viewer, classroom_id)
    weeks = backend.reports.completions_over_time(viewer, classroom_id, WEEKS)
    return answer(ClassStatistics(classroom=report.classroom, figures=report.figures, weeks=weeks, as_of=report.as_of))


@router.get(
    "/classrooms/{classroomId}/students",
    tags=["Classrooms"],
    **returns(Listing[Learner], 403, 404, says="A page of learners"),
)
def classroom_students(
    classroom_id: ClassroomId, query: requests.PageQuery, viewer: SignedIn, backend: BackendDep
) -> Response:
    """Students of a class

    Those most in need of attention first, with the reasons in words. For its teacher and admins.
    """
    return paged(backend.reports.report(viewer, classroom_id).learners, query, by_urgency)


@router.get("/leaderboard", tags=["Leaderboard"], **returns(Answer[Board], 404, says="The board"))
def leaderboard(query: Annotated[requests.BoardQuery, Query()], viewer: SignedIn, backend: BackendDep) -> Response:
    """Read a leaderboard

    The top lines, and with `around=me` the lines around the caller's own. Only who joined is on it; a student who
    has not sees how many have.
    """
    board = backend.boards.board(
        viewer,
        query.scope,
        query.period,
        query.measure,
        limit=query.limit,
        around=NEIGHBOURS if query.around else 0,
    )
    return answer(board)


def _groupings(names: str) -> tuple[Grouping, ...]:
    try:
        return msgspec.convert(names.split(","), tuple[Grouping, ...])
    except msgspec.ValidationError as error:
        raise Invalid(_("Statistics can be grouped by subject, class, unit and chapter, each once.")) from error
