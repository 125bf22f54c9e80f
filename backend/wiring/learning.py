"""Chapters, progress, classes, boards and statistics: what the school is about."""

from dataclasses import dataclass

from backend.accounts.queries import AccountQueries
from backend.boards.board_store import BoardStore
from backend.boards.queries import BoardQueries
from backend.boards.service import BoardService
from backend.chapters.queries import ChapterQueries
from backend.chapters.service import ChapterService
from backend.classrooms.queries import ClassroomQueries
from backend.classrooms.report import ClassroomReports
from backend.classrooms.service import ClassroomService
from backend.digests.queries import DigestQueries
from backend.digests.service import DigestService
from backend.kit.cache import Warmer
from backend.kit.schedule.runs import Runs
from backend.kit.security.signing import Signer
from backend.progress.overview import ProgressOverview
from backend.progress.queries import ProgressQueries
from backend.progress.recount import SummaryRecount
from backend.progress.recount_queries import RecountQueries
from backend.progress.service import ProgressService
from backend.statistics.class_statistics import ClassStatisticsService
from backend.statistics.figure_queries import FigureQueries
from backend.statistics.projector import Projector
from backend.statistics.queries import ProjectorQueries, StatisticsQueries
from backend.statistics.service import StatisticsService
from backend.statistics.shared_figure_queries import SharedFigureQueries
from backend.statistics.sharing import FigureSharing
from backend.wiring.base import Base

CATALOGUE_JOB = "catalogue"


@dataclass(frozen=True)
class Learning:
    """`classroom_queries` and `board_store` are asked by those who change people."""

    chapters: ChapterService
    progress: ProgressService
    recount: SummaryRecount
    overview: ProgressOverview
    classroom_queries: ClassroomQueries
    classrooms: ClassroomService
    reports: ClassroomReports
    board_store: BoardStore
    boards: BoardService
    statistics: StatisticsService
    class_statistics: ClassStatisticsService
    projector: Projector
    warmer: Warmer


def learning(base: Base) -> Learning:
    """Build the learning services. The progress service follows changes of the chapter catalogue."""
    mongo, cache, clock, events = base.connections.mongo, base.connections.cache, base.clock, base.connections.events
    runs = Runs(mongo)

    def ask_for_job(seconds: float) -> None:
        runs.ask(CATALOGUE_JOB, delay_seconds=seconds)

    chapters = ChapterService(ChapterQueries(mongo), mongo, cache, clock, base.trail, ask_for_job)
    recount = SummaryRecount(RecountQueries(mongo), mongo, cache, ask_for_job)
    progress = ProgressService(ProgressQueries(mongo), chapters, mongo, cache, clock, events, recount)
    projected, board_queries = ProjectorQueries(mongo), BoardQueries(mongo)
    keeper = _keeper(base, board_queries, projected)
    chapters.follow(progress)

    queries = ClassroomQueries(mongo)
    classrooms = ClassroomService(queries, mongo, cache, clock, events, base.trail, follower=keeper)
    reports = ClassroomReports(queries, classrooms, progress, chapters, cache, clock, base.trail)
    figures = FigureQueries(mongo)
    sharing = FigureSharing(SharedFigureQueries(mongo), chapters, cache, clock)
    statistics = StatisticsService(StatisticsQueries(mongo), figures, projected, chapters, cache, clock, sharing)
    warmer = Warmer(cache)
    for service in (chapters, statistics, reports):
        service.warmed_by(warmer)
    return Learning(
        chapters=chapters,
        progress=progress,
        recount=recount,
        overview=ProgressOverview(progress, chapters, clock),
        classroom_queries=queries,
        classrooms=classrooms,
        reports=reports,
        board_store=keeper,
        boards=BoardService(board_queries, keeper, classrooms, progress, cache, clock),
        statistics=statistics,
        class_statistics=ClassStatisticsService(
            figures, sharing, classrooms, reports, progress, chapters, cache, clock
        ),
        projector=Projector(projected, cache, keeper),
        warmer=warmer,
    )


def _keeper(base: Base, queries: BoardQueries, projected: ProjectorQueries) -> BoardStore:
    return BoardStore(
        queries,
        base.connections.redis_client,
        base.connections.cache,
        base.clock,
        base.connections.events,
        namespace=base.settings.mongodb_database,
        is_projected=lambda: projected.health().is_alive,
    )


def digests(base: Base, learning: Learning) -> DigestService:
    """Addresses to leave by are signed with the keys of the school."""
    mongo = base.connections.mongo
    return DigestService(
        DigestQueries(mongo),
        AccountQueries(mongo).classroom_ids,
        learning.classrooms,
        learning.reports,
        learning.overview,
        base.mails,
        Signer(base.ring, "unsubscribe"),
        base.clock,
        time_zone=base.settings.time_zone,
    )
