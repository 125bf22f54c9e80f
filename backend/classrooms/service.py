"""Create, join and leave classes, and check who may see which. The figures of a class are in report.py."""

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec.structs import replace

from backend.accounts import rooms
from backend.accounts.models import Viewer
from backend.accounts.observers import BOARDS_TAG, NobodyFollows, PersonFollower
from backend.accounts.sessions import TAG as VIEWERS_TAG
from backend.accounts.validation import short_text
from backend.audit.models import Act, Facts
from backend.audit.trail import AuditTrail
from backend.classrooms.join_code import new_join_code, shown
from backend.classrooms.models import BOARD_MODES, NAME_LENGTH, BoardMode, Classroom
from backend.classrooms.queries import ClassroomQueries
from backend.errors import Conflict, Invalid, NotFound
from backend.kit.cache import Cache, Region
from backend.kit.clock import Clock
from backend.kit.events.hub import EventHub
from backend.kit.i18n import _
from backend.kit.mongo.client import Mongo, new_id
from backend.policy import Relation, allowed, authorise
from backend.progress.service import classroom_tag

CLASSROOMS = Region("classrooms", tuple[Classroom, ...], ttl_seconds=60)
TAG = "classrooms"
ID_LENGTH = 64
_CODE_ATTEMPTS = 5
T = TypeVar("T")


class ClassroomService:
    def __init__(
        self,
        queries: ClassroomQueries,
        mongo: Mongo,
        cache: Cache,
        clock: Clock,
        events: EventHub,
        trail: AuditTrail,
        *,
        follower: PersonFollower | None = None,
    ) -> None:
        self._queries = queries
        self._follower = follower or NobodyFollows()
        self._trail = trail
        self._mongo = mongo
        self._cache = cache
        self._clock = clock
        self._events = events

    def classrooms(self, viewer: Viewer) -> tuple[Classroom, ...]:
        """Return classrooms by name: a teacher's own, a student's own (without join codes), or all for an admin."""
        authorise(viewer, "classrooms.classrooms")
        seen = allowed(viewer, "classrooms.get")
        return tuple(_as_seen(viewer, found) for found in self._own(viewer) if _relation(viewer, found) in seen)

    def get(self, viewer: Viewer, classroom_id: str) -> Classroom:
        """A classroom that the viewer may see. Raises NotFound for any other: its existence is a secret."""
        return self._authorised(viewer, "classrooms.get", classroom_id)

    def taught(self, viewer: Viewer, classroom_id: str, act: str = "classrooms.taught") -> Classroom:
        """A classroom that the viewer may do `act` to: its teacher or an admin. Raises NotAllowed, NotFound."""
        return self._authorised(viewer, act, classroom_id)

    def check_again(self, viewer: Viewer, classroom_id: str, act: str) -> None:
        """Raises NotAllowed or NotFound unless the viewer may do `act` to the classroom, archived meanwhile or not."""
        found = self._one(classroom_id)
        present = replace(found, archived_at=None) if found else None
        archived = replace(found, archived_at=self._clock.now()) if found else None
        either = {_relation(viewer, present), _relation(viewer, archived)} & allowed(viewer, act)
        authorise(viewer, act, next(iter(either), Relation.UNKNOWN), missing=_("There is no such class."))

    def create(self, viewer: Viewer, name: str) -> Classroom:
        """A new classroom taught by the viewer (teacher or admin). Raises Invalid for a bad name."""
        authorise(viewer, "classrooms.create")
        name, now = _checked_name(name), self._clock.now()

        def insert(code: str) -> str:
            classroom = Classroom(id=new_id(), name=name, join_code=code, created_at=now)

            def work(session: Any) -> None:
                self._queries.insert(session, classroom, viewer.id)
                self._trail.record(
                    viewer, "classroom.created", "classroom", classroom.id, after={"name": name}, session=session
                )

            self._mongo.transaction(work)
            return classroom.id

        classroom_id = _with_free_code(insert)
        self._cache.invalidate(TAG, VIEWERS_TAG)
        return self.get(viewer, classroom_id)

    def rename(self, viewer: Viewer, classroom_id: str, name: str) -> Classroom:
        """The classroom under its new name. Raises Invalid."""
        before, new = self.taught(viewer, classroom_id, "classrooms.rename"), _checked_name(name)
        return self._update(viewer, before, "classroom.renamed", {"name": before.name}, {"name": new}, name=new)

    def renew_code(self, viewer: Viewer, classroom_id: str) -> Classroom:
        """The classroom with a fresh join code; the old one stops working."""
        before = self.taught(viewer, classroom_id, "classrooms.renew_code")
        return _with_free_code(
            lambda code: self._update(viewer, before, "classroom.code_renewed", {}, {}, joinCode=code)
        )

    def set_board_mode(self, viewer: Viewer, classroom_id: str, mode: BoardMode) -> Classroom:
        """Switch the class leaderboard "off" or "opt-in". Raises Invalid."""
        if mode not in BOARD_MODES:
            raise Invalid(_("A class leaderboard is off, or open to those who join."))
        before = self.taught(viewer, classroom_id, "classrooms.set_board_mode")
        was: Facts = {"boardMode": before.board_mode}
        return self._update(viewer, before, "classroom.board_changed", was, {"boardMode": mode}, boardMode=mode)

    def archive(self, viewer: Viewer, classroom_id: str) -> Classroom:
        """Take a classroom out of every list; its code stops working, nobody's progress changes."""
        before, now = self.taught(viewer, classroom_id, "classrooms.archive"), self._clock.now()
        self._write(viewer, before, "classroom.archived", {}, {}, archivedAt=now)
        return replace(before, archived_at=now)

    def archived(self, viewer: Viewer) -> tuple[Classroom, ...]:
        """Return the archived classes that the viewer may restore, by name."""
        authorise(viewer, "classrooms.archived")
        back = allowed(viewer, "classrooms.bring_back")
        return tuple(_as_seen(viewer, found) for found in self._own(viewer) if _relation(viewer, found) in back)

    def bring_back(self, viewer: Viewer, classroom_id: str) -> Classroom:
        """An archived classroom as it was: members, code and board. Raises NotFound for one that is not archived."""
        before = self._authorised(viewer, "classrooms.bring_back", classroom_id)
        return self._update(viewer, before, "classroom.brought_back", {}, {}, archivedAt=None)

    def join(self, viewer: Viewer, code: str) -> Classroom:
        """A signed-in student enters the class of a join code; twice does it once. Raises Invalid."""
        authorise(viewer, "classrooms.join")
        classroom_id = self._queries.id_by_join_code(code)
        if classroom_id is None:
            raise Invalid(_("No class has this join code. Please ask your teacher for it."), code="join_code")
        self._queries.add_student(classroom_id, viewer.id, self._clock.now())
        self._members_changed(classroom_id, viewer.id)
        return self.get(replace(viewer, classroom_ids=(*viewer.classroom_ids, classroom_id)), classroom_id)

    def remove_student(self, viewer: Viewer, classroom_id: str, student_id: str) -> None:
        """Remove a student from the class; they keep their progress. Raises NotFound."""
        self.taught(viewer, classroom_id, "classrooms.remove_student")

        def work(session: Any) -> None:
            if not self._queries.remove_student(session, classroom_id, student_id):
                raise NotFound(_("There is no such student in this class."))
            was: Facts = {"classroomId": classroom_id}
            self._trail.record(viewer, "student.removed", "user", student_id, before=was, session=session)

        self._mongo.transaction(work)
        self._members_changed(classroom_id, student_id)

    def _own(self, viewer: Viewer) -> tuple[Classroom, ...]:
        """Return the classes of the viewer, archived ones too; all classes of the school for an admin."""
        if viewer.role == "admin":
            return self._kept("all", self._queries.every)
        if viewer.role == "teacher":
            return self._kept(f"teacher:{viewer.id}", lambda: self._queries.taught_by(viewer.id))
        ids = sorted(viewer.classroom_ids)
        return self._kept(f"of:{','.join(ids)}", lambda: self._queries.some(ids)) if ids else ()

    def _one(self, classroom_id: str) -> Classroom | None:
        if len(classroom_id) > ID_LENGTH:  # anybody may ask for anything, and what is asked for is kept
            return None
        return next(iter(self._kept(f"one:{classroom_id}", lambda: self._queries.some([classroom_id]))), None)

    def _kept(self, key: str, load: Callable[[], tuple[Classroom, ...]]) -> tuple[Classroom, ...]:
        return self._cache.get_or_create(CLASSROOMS, key, load, tags=[TAG]).value

    def _authorised(self, viewer: Viewer, act: str, classroom_id: str) -> Classroom:
        authorise(viewer, act)
        found = self._one(classroom_id)
        authorise(viewer, act, _relation(viewer, found), missing=_("There is no such class."))
        assert found is not None  # noqa: S101  (the table allows nothing to the unknown)
        return _as_seen(viewer, found)

    def _update(
        self, viewer: Viewer, classroom: Classroom, act: Act, before: Facts, after: Facts, **fields: Any
    ) -> Classroom:
        self._write(viewer, classroom, act, before, after, **fields)
        return self.get(viewer, classroom.id)

    def _write(
        self, viewer: Viewer, classroom: Classroom, act: Act, before: Facts, after: Facts, **fields: Any
    ) -> None:
        def work(session: Any) -> None:
            self._queries.update(session, classroom.id, **fields)
            self._trail.record(viewer, act, "classroom", classroom.id, before=before, after=after, session=session)

        self._mongo.transaction(work)
        self._cache.invalidate(TAG)

    def _members_changed(self, classroom_id: str, student_id: str) -> None:
        self._follower.person_changed(student_id, classroom_id)
        self._cache.invalidate(VIEWERS_TAG, BOARDS_TAG, classroom_tag(classroom_id))
        self._events.publish(rooms.CHANGED, rooms.of_membership(classroom_id))


def _relation(viewer: Viewer, classroom: Classroom | None) -> Relation:
    if classroom is None:
        return Relation.UNKNOWN
    is_own = classroom.id in viewer.classroom_ids if viewer.role == "student" else viewer.id in classroom.teacher_ids
    if classroom.archived_at is not None and (is_own or viewer.role == "admin"):
        return Relation.ARCHIVED
    return Relation.OWN_CLASS if is_own else Relation.OTHER_CLASS


def _as_seen(viewer: Viewer, classroom: Classroom) -> Classroom:
    code = classroom.join_code if viewer.role != "student" else None
    return replace(classroom, join_code=shown(code) if code else None)


def _with_free_code(write: Callable[[str], T]) -> T:
    for _attempt in range(_CODE_ATTEMPTS - 1):
        try:
            return write(new_join_code())
        except Conflict:
            continue
    return write(new_join_code())


def _checked_name(name: str) -> str:
    return short_text(name, NAME_LENGTH, _("The name of the class"))
