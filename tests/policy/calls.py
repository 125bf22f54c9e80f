"""How each act of the table is done by its service, and on what: one line for each."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from backend.accounts.models import ProfileChange
from backend.bootstrap import Backend
from backend.chapters.models import ChapterDraft
from backend.errors import NotFound
from backend.policy import Relation
from backend.progress.models import ChapterFilters, ProgressChange
from tests.policy.world import OF_A_CHAPTER, OF_A_CLASS, OF_A_PERSON, Target
from tests.school import PASSWORD

CHAPTER = ChapterDraft(subject="Physics", class_="Class 11", unit="Light", chapter="Prisms")
FILE = b"subject,class,unit,chapter,status\nPhysics,Class 11,Light,Prisms,Completed\n"
ONE = ProgressChange(questions_delta=1)
NOTHING, OWN = (Relation.NOTHING,), (Relation.OWN,)
A_BOARD = (*OF_A_CLASS, Relation.SHARED)


def import_state(backend: Backend, viewer: Any) -> None:
    with suppress(NotFound):  # once she may ask: there is no import of this id
        backend.chapters.import_state(viewer, "none")


def undo_import(backend: Backend, viewer: Any) -> None:
    with suppress(NotFound):
        backend.chapters.undo_import(viewer, "none")


class Try(NamedTuple):
    """The relations that can be tried, and the call. `fresh` acts use up what they are done to."""

    among: tuple[Relation, ...]
    call: Callable[[Backend, Any, Target], object]
    fresh: bool = False


CALLS: dict[str, Try] = {
    "accounts.sign_out": Try(OWN, lambda b, v, _t: b.accounts.sign_out(v)),
    "accounts.sign_out_elsewhere": Try(OWN, lambda b, v, _t: b.accounts.sign_out_elsewhere(v)),
    "accounts.sessions": Try(OWN, lambda b, v, _t: b.accounts.sessions(v)),
    "accounts.end_session": Try(OF_A_PERSON, lambda b, v, t: b.accounts.end_session(v, t.session), fresh=True),
    "accounts.reauthenticate": Try(OWN, lambda b, v, _t: b.accounts.reauthenticate(v, PASSWORD)),
    "accounts.me": Try(OWN, lambda b, v, _t: b.accounts.me(v)),
    "accounts.update_profile": Try(OWN, lambda b, v, _t: b.accounts.update_profile(v, ProfileChange())),
    "accounts.change_email": Try(OWN, lambda b, v, _t: b.accounts.change_email(v, f"{v and v.id}@new.example")),
    "accounts.change_password": Try(OWN, lambda b, v, _t: b.accounts.change_password(v, PASSWORD, PASSWORD)),
    "second_factor.state": Try(OWN, lambda b, v, _t: b.second_factor.state(v)),
    "second_factor.begin": Try(OWN, lambda b, v, _t: b.second_factor.begin(v)),
    "second_factor.confirm": Try(OWN, lambda b, v, _t: b.second_factor.confirm(v, "000000")),
    "second_factor.renew_codes": Try(OWN, lambda b, v, _t: b.second_factor.renew_codes(v)),
    "second_factor.turn_off": Try(OWN, lambda b, v, _t: b.second_factor.turn_off(v)),
    "administration.users": Try(NOTHING, lambda b, v, _t: b.administration.users(v)),
    "administration.user": Try(OF_A_PERSON, lambda b, v, t: b.administration.user(v, t.person)),
    "administration.create": Try(
        NOTHING, lambda b, v, _t: b.administration.create(v, name="New", email="new@example.org", role="teacher")
    ),
    "administration.set_active": Try(
        OF_A_PERSON, lambda b, v, t: b.administration.set_active(v, t.person, active=True)
    ),
    "administration.set_role": Try(OF_A_PERSON, lambda b, v, t: b.administration.set_role(v, t.person, "student")),
    "administration.change": Try(OF_A_PERSON, lambda b, v, t: b.administration.change(v, t.person, active=True)),
    "administration.make_reset_link": Try(OF_A_PERSON, lambda b, v, t: b.administration.make_reset_link(v, t.person)),
    "administration.sessions": Try(OF_A_PERSON, lambda b, v, t: b.administration.sessions(v, t.person)),
    "administration.end_session": Try(
        OF_A_PERSON, lambda b, v, t: b.administration.end_session(v, t.session), fresh=True
    ),
    "administration.end_sessions": Try(OF_A_PERSON, lambda b, v, t: b.administration.end_sessions(v, t.person)),
    "administration.reset_second_factor": Try(
        (Relation.OWN, Relation.UNKNOWN), lambda b, v, t: b.administration.reset_second_factor(v, t.person)
    ),
    "chapters.archived": Try(NOTHING, lambda b, v, _t: b.chapters.archived(v)),
    "chapters.create": Try(NOTHING, lambda b, v, _t: b.chapters.create(v, CHAPTER)),
    "chapters.edit": Try(OF_A_CHAPTER, lambda b, v, t: b.chapters.edit(v, t.chapter, CHAPTER, version=1)),
    "chapters.archive": Try(OF_A_CHAPTER, lambda b, v, t: b.chapters.archive(v, t.chapter), fresh=True),
    "chapters.bring_back": Try(OF_A_CHAPTER, lambda b, v, t: b.chapters.bring_back(v, t.chapter), fresh=True),
    "chapters.imports": Try(NOTHING, lambda b, v, _t: b.chapters.imports(v)),
    "chapters.import_state": Try(NOTHING, lambda b, v, _t: import_state(b, v)),
    "chapters.undo_import": Try(NOTHING, lambda b, v, _t: undo_import(b, v)),
    "chapters.import_file": Try(NOTHING, lambda b, v, _t: b.chapters.import_file(v, "a.csv", FILE, dry_run=True)),
    "progress.history": Try(OF_A_CHAPTER, lambda b, v, t: b.progress.history(v, t.chapter)),
    "progress.change": Try(OF_A_CHAPTER, lambda b, v, t: b.progress.change(v, t.chapter, ONE, key="k")),
    "progress.change_many": Try(OF_A_CHAPTER, lambda b, v, t: b.progress.change_many(v, {t.chapter: ONE}, key="m")),
    "progress.undo": Try(OF_A_PERSON, lambda b, v, t: b.progress.undo(v, t.batch)),
    "progress.take_over": Try(OWN, lambda b, v, _t: b.progress.take_over(v, "a.csv", FILE, dry_run=True)),
    "overview.chapters": Try(NOTHING, lambda b, v, _t: b.overview.chapters(v, ChapterFilters())),
    "overview.rows": Try(NOTHING, lambda b, v, t: b.overview.rows(v, [t.chapter])),
    "overview.rows_that_fit": Try(NOTHING, lambda b, v, _t: b.overview.rows_that_fit(v, ChapterFilters())),
    "overview.chapter": Try(OF_A_CHAPTER, lambda b, v, t: b.overview.chapter(v, t.chapter)),
    "overview.home": Try(OWN, lambda b, v, _t: b.overview.home(v)),
    "overview.insights": Try(OWN, lambda b, v, _t: b.overview.insights(v)),
    "overview.summary": Try(OWN, lambda b, v, _t: b.overview.summary(v)),
    "classrooms.classrooms": Try(NOTHING, lambda b, v, _t: b.classrooms.classrooms(v)),
    "classrooms.get": Try(OF_A_CLASS, lambda b, v, t: b.classrooms.get(v, t.classroom)),
    "classrooms.taught": Try(OF_A_CLASS, lambda b, v, t: b.classrooms.taught(v, t.classroom)),
    "classrooms.create": Try(NOTHING, lambda b, v, _t: b.classrooms.create(v, "12 C")),
    "classrooms.rename": Try(OF_A_CLASS, lambda b, v, t: b.classrooms.rename(v, t.classroom, "12 D")),
    "classrooms.renew_code": Try(OF_A_CLASS, lambda b, v, t: b.classrooms.renew_code(v, t.classroom)),
    "classrooms.set_board_mode": Try(OF_A_CLASS, lambda b, v, t: b.classrooms.set_board_mode(v, t.classroom, "opt-in")),
    "classrooms.archive": Try(OF_A_CLASS, lambda b, v, t: b.classrooms.archive(v, t.classroom), fresh=True),
    "classrooms.archived": Try(NOTHING, lambda b, v, _t: b.classrooms.archived(v)),
    "classrooms.bring_back": Try(OF_A_CLASS, lambda b, v, t: b.classrooms.bring_back(v, t.classroom), fresh=True),
    "classrooms.join": Try(NOTHING, lambda b, v, _t: b.classrooms.join(v, "ABCD-EFGH")),
    "classrooms.remove_student": Try(
        OF_A_CLASS, lambda b, v, t: b.classrooms.remove_student(v, t.classroom, t.student), fresh=True
    ),
    "reports.report": Try(OF_A_CLASS, lambda b, v, t: b.reports.report(v, t.classroom)),
    "reports.export": Try(OF_A_CLASS, lambda b, v, t: b.reports.export(v, t.classroom)),
    "reports.learner": Try(OF_A_CLASS, lambda b, v, t: b.reports.learner(v, t.classroom, t.student)),
    "reports.matrix": Try(OF_A_CLASS, lambda b, v, t: b.reports.matrix(v, t.classroom)),
    "reports.completions_over_time": Try(OF_A_CLASS, lambda b, v, t: b.reports.completions_over_time(v, t.classroom)),
    "boards.scopes": Try(NOTHING, lambda b, v, _t: b.boards.scopes(v)),
    "boards.board": Try(
        A_BOARD, lambda b, v, t: b.boards.board(v, "everyone" if t.relation is Relation.SHARED else t.classroom)
    ),
    "statistics.statistics": Try(NOTHING, lambda b, v, _t: b.statistics.statistics(v)),
    "statistics.chapter": Try(OF_A_CHAPTER, lambda b, v, t: b.statistics.chapter(v, t.chapter)),
    "statistics.distribution": Try(NOTHING, lambda b, v, _t: b.statistics.distribution(v)),
    "statistics.weeks": Try(NOTHING, lambda b, v, _t: b.statistics.weeks(v)),
    "class_statistics.overview": Try(OF_A_CLASS, lambda b, v, t: b.class_statistics.overview(v, t.classroom)),
    "class_statistics.statistics": Try(OF_A_CLASS, lambda b, v, t: b.class_statistics.statistics(v, t.classroom)),
    "class_statistics.distribution": Try(OF_A_CLASS, lambda b, v, t: b.class_statistics.distribution(v, t.classroom)),
    "class_statistics.comparison": Try(OWN, lambda b, v, _t: b.class_statistics.comparison(v)),
    "class_statistics.chapter_average": Try(
        OF_A_CHAPTER, lambda b, v, t: b.class_statistics.chapter_average(v, t.chapter)
    ),
    "operations.health": Try(NOTHING, lambda b, v, _t: b.operations.health(v)),
    "operations.history": Try(NOTHING, lambda b, v, _t: b.operations.history(v)),
    "monitoring.metrics": Try(NOTHING, lambda b, v, _t: b.monitoring.metrics(v)),
    "monitoring.slow": Try(NOTHING, lambda b, v, _t: b.monitoring.slow(v)),
    "memory.trace": Try(NOTHING, lambda b, v, _t: b.memory.trace(v)),
    "memory.start": Try(NOTHING, lambda b, v, _t: b.memory.start(v, 1)),
    "monitoring.cache": Try(NOTHING, lambda b, v, _t: b.monitoring.cache(v)),
    "monitoring.clear": Try(NOTHING, lambda b, v, _t: b.monitoring.clear(v, "chapters")),
    "jobs.jobs": Try(NOTHING, lambda b, v, _t: b.jobs.jobs(v)),
    "jobs.run": Try(NOTHING, lambda b, v, _t: b.jobs.run(v, "audit-check")),
    "limits.report": Try(NOTHING, lambda b, v, _t: b.limits.report(v)),
    "backups.backups": Try(NOTHING, lambda b, v, _t: b.backups.backups(v)),
    "backups.report": Try(NOTHING, lambda b, v, _t: b.backups.report(v)),
    "backup_tasks.current": Try(NOTHING, lambda b, v, _t: b.backup_tasks.current(v)),
    "backup_tasks.take": Try(NOTHING, lambda b, v, _t: b.backup_tasks.take(v)),
    "backup_tasks.verify": Try(NOTHING, lambda b, v, _t: b.backup_tasks.verify(v, "none")),
    "backup_tasks.drill": Try(NOTHING, lambda b, v, _t: b.backup_tasks.drill(v, "none")),
    "backup_tasks.restore": Try(NOTHING, lambda b, v, _t: b.backup_tasks.restore(v, backup_id="none")),
    "backup_tasks.roll_back": Try(NOTHING, lambda b, v, _t: b.backup_tasks.roll_back(v)),
    "backup_downloads.link": Try(NOTHING, lambda b, v, _t: b.backup_downloads.link(v, "none")),
    "backup_downloads.open": Try(NOTHING, lambda b, v, _t: b.backup_downloads.open(v, "none", "")),
    "restores.preview": Try(NOTHING, lambda b, v, _t: b.restores.preview(v, backup_id="none")),
    "restores.restore": Try(NOTHING, lambda b, v, _t: b.restores.restore(v, backup_id="none")),
    "restores.roll_back": Try(NOTHING, lambda b, v, _t: b.restores.roll_back(v)),
    "rights.export": Try(OWN, lambda b, v, _t: b.rights.export(v)),
    "rights.file_name": Try(OWN, lambda b, v, _t: b.rights.file_name(v)),
    "rights.deletion": Try(OWN, lambda b, v, _t: b.rights.deletion(v)),
    "rights.request": Try(OWN, lambda b, v, _t: b.rights.request(v)),
    "rights.cancel": Try(OWN, lambda b, v, _t: b.rights.cancel(v)),
    "rights.open_requests": Try(NOTHING, lambda b, v, _t: b.rights.open_requests(v)),
    "rights.request_for": Try(OF_A_PERSON, lambda b, v, t: b.rights.request_for(v, t.person)),
    "rights.cancel_for": Try(OF_A_PERSON, lambda b, v, t: b.rights.cancel_for(v, t.person)),
    "audit.entries": Try(NOTHING, lambda b, v, _t: b.audit.entries(v)),
    "audit.export": Try(NOTHING, lambda b, v, _t: b.audit.export(v)),
    "audit.check": Try(NOTHING, lambda b, v, _t: b.audit.check(v)),
}
