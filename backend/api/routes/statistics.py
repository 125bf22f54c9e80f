"""Figures over many students: statistics, classrooms, leaderboards."""

from typing import Annotated

from fastapi import Query, Request, Response

from backend.api import etags
from backend.api.deps import BackendDep, SignedIn
from backend.api.openapi.responses import returns
from backend.api.router import Router
from backend.api.schemas import requests
from backend.api.schemas.envelope import Answer, Listing, answer
from backend.api.schemas.pagination import paged
from backend.api.schemas.requests import ChapterId, ClassroomId
from backend.api.schemas.responses import OwnAverage
from backend.boards.models import Board
from backend.classrooms.models import Classroom, Learner, Week
from backend.classrooms.report import by_urgency
from backend.statistics.models import GROUPINGS, ClassStatistics, Comparison, Distribution, Statistics

WEEKS = 12
NEIGHBOURS = 3

router = Router()
GroupBy = Annotated[
    str,
    Query(
        alias="groupBy",
        pattern=rf"^({'|'.join(GROUPINGS)})(,({'|'.join(GROUPINGS)}))*$",
        description="One or more of subject, class, unit, chapter, with commas between",
        examples=["subject,class"],
    ),
]

Subject = Annotated[str | None, Query(description="Only this subject", min_length=1, max_length=120)]


@router.get(
    "/statistics", tags=["Statistics"], **returns(Answer[Statistics], says="A row for each group", conditional=True)
)
def statistics(request: Request, viewer: SignedIn, backend: BackendDep, group_by: GroupBy = "subject") -> Response:
    """Statistics over all students

    Sums over the syllabus, a row for each group; chapters that nobody has begun count as well. For students they are
    rounded and a day old or more; chapters of which students may know nothing are in no sum: `leftOut` says how many,
    and sums of nothing else are null.
    """
    found = backend.statistics.statistics(viewer, group_by.split(","))
    return etags.figures(request, found, viewer)


@router.get(
    "/statistics/distribution",
    tags=["Statistics"],
    **returns(Answer[Distribution], 403, 404, says="Histograms of completion and of questions solved"),
)
def statistics_distribution(viewer: SignedIn, backend: BackendDep, subject: Subject = None) -> Response:
    """Distribution of all students

    Those who ever saved anything, by share of chapters completed and by questions solved; at most two minutes old.
    For teachers and admins.
    """
    return answer(backend.statistics.distribution(viewer, subject))


@router.get(
    "/statistics/weeks", tags=["Statistics"], **returns(Answer[tuple[Week, ...]], 403, says="The last twelve weeks")
)
def statistics_weeks(viewer: SignedIn, backend: BackendDep) -> Response:
    """Work of all students by weeks

    Chapters completed and questions solved, the running week last; weeks before the first saved change are null.
    For teachers and admins.
    """
    return answer(backend.statistics.weeks(viewer, WEEKS))


@router.get(
    "/statistics/comparison",
    tags=["Statistics"],
    **returns(Answer[Comparison], 403, says="A row for each subject"),
)
def statistics_comparison(viewer: SignedIn, backend: BackendDep) -> Response:
    """A student beside others

    Shares of chapters completed by subject: their own, their classes' and everyone's. Those of others are rounded and a
    day old or more, and null where too few stand behind them. For students.
    """
    return answer(backend.class_statistics.comparison(viewer))


@router.get(
    "/chapters/{chapterId}/average", tags=["Statistics"], **returns(Answer[OwnAverage], 403, 404, says="The average")
)
def chapter_average(chapter_id: ChapterId, viewer: SignedIn, backend: BackendDep) -> Response:
    """A student's classes on a chapter

    Those of their classes who are at work on it, in steps of five: how many completed it, and questions solved on
    average. Figures are a day old or more; null where they would tell of single people. For students.
    """
    return answer(OwnAverage(average=backend.class_statistics.chapter_average(viewer, chapter_id)))


@router.get("/classrooms", tags=["Classrooms"], **returns(Listing[Classroom], says="A page of classes"))
def list_classrooms(query: requests.PageQuery, viewer: SignedIn, backend: BackendDep) -> Response:
    """List classes

    Those a teacher teaches, those a student is in (without join codes), all of them for an admin.
    """
    return paged(backend.classrooms.classrooms(viewer), query, lambda each: (each.name, each.id))


@router.get(
    "/classrooms/{classroomId}/statistics",
    tags=["Classrooms"],
    **returns(
        Answer[ClassStatistics], 403, 404, says="Key figures, sums by group, distribution and weeks", conditional=True
    ),
)
def classroom_statistics(
    request: Request,
    classroom_id: ClassroomId,
    viewer: SignedIn,
    backend: BackendDep,
    group_by: GroupBy = "subject",
) -> Response:
    """Statistics of a class

    Key figures, sums with a row for each group, how its learners spread over completion and questions solved, and
    the last twelve weeks. For its teacher and admins.
    """
    found = backend.class_statistics.overview(viewer, classroom_id, group_by.split(","))
    return etags.figures(request, found, viewer)


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


@router.get("/leaderboard", tags=["Leaderboard"], **returns(Answer[Board], 404, says="The board", conditional=True))
def leaderboard(
    request: Request, query: Annotated[requests.BoardQuery, Query()], viewer: SignedIn, backend: BackendDep
) -> Response:
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
    return etags.figures(request, board, viewer)
