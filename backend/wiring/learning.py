"""Chapters, progress, classes, boards and statistics."""

from backend.accounts.queries import AccountQueries
from backend.boards.board_store import BoardStore
from backend.boards.queries import BoardQueries
from backend.boards.service import BoardService
from backend.chapters.queries import ChapterQueries
from backend.chapters.service import ChapterService
from backend.classrooms.queries import ClassroomQueries
from backend.classrooms.report import ClassroomReports
from backend.classrooms.service import ClassroomService
from backend.connections import Setup
from backend.digests.queries import DigestQueries
from backend.digests.service import DigestService
from backend.kit.cache import Warmer
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
from backend.statistics.shared_figure_service import FigureSharing
from backend.wiring.base import BaseServices

CATALOGUE_JOB = "catalogue"


class LearningServices(BaseServices):
    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        mongo, cache, clock, events, trail = self.mongo, self.cache, self.clock, self.events, self.trail
        self._account_queries, self._classroom_queries = AccountQueries(mongo), ClassroomQueries(mongo)
        projected, boards, figures = ProjectorQueries(mongo), BoardQueries(mongo), FigureQueries(mongo)
        self.chapters = ChapterService(ChapterQueries(mongo), mongo, cache, clock, trail, self._ask_for_catalogue_job)
        self.recount = SummaryRecount(RecountQueries(mongo), mongo, cache, self._ask_for_catalogue_job)
        self.progress = ProgressService(
            ProgressQueries(mongo), self.chapters, mongo, cache, clock, events, self.recount
        )
        self.chapters.follow(self.progress)
        self.overview = ProgressOverview(self.progress, self.chapters, clock)
        self.board_store = BoardStore(
            boards,
            self.redis_client,
            cache,
            clock,
            events,
            namespace=self.settings.mongodb_database,
            is_projected=lambda: projected.health().is_alive,
        )
        self.classrooms = ClassroomService(
            self._classroom_queries, mongo, cache, clock, events, trail, follower=self.board_store
        )
        self.reports = ClassroomReports(
            self._classroom_queries, self.classrooms, self.progress, self.chapters, cache, clock, trail
        )
        self.boards = BoardService(boards, self.board_store, self.classrooms, self.progress, cache, clock)
        sharing = FigureSharing(SharedFigureQueries(mongo), self.chapters, cache, clock)
        self.statistics = StatisticsService(
            StatisticsQueries(mongo), figures, projected, self.chapters, cache, clock, sharing
        )
        self.class_statistics = ClassStatisticsService(
            figures, sharing, self.classrooms, self.reports, self.progress, self.chapters, cache, clock
        )
        self.projector = Projector(projected, cache, self.board_store)
        self.warmer = Warmer(cache)
        for service in (self.chapters, self.statistics):
            service.warmed_by(self.warmer)
        self.digests = self._digests()

    def _ask_for_catalogue_job(self, seconds: float) -> None:
        self.runs.ask(CATALOGUE_JOB, delay_seconds=seconds)

    def _digests(self) -> DigestService:
        return DigestService(
            DigestQueries(self.mongo),
            self._account_queries.classroom_ids,
            self.classrooms,
            self.reports,
            self.overview,
            self.mails,
            Signer(self._keys, "unsubscribe"),
            self.clock,
            time_zone=self.settings.time_zone,
        )
