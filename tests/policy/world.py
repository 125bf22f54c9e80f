"""A school in which every relation of the policy table exists, and the objects that stand in each of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
from msgspec import structs

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.chapters.models import ChapterDraft
from backend.policy import ACTS, Relation, Scope
from backend.progress.models import ProgressChange
from tests.school import School

ROLES = ("nobody", "student", "teacher", "admin")
OF_A_CHAPTER = (Relation.SHARED, Relation.ARCHIVED, Relation.UNKNOWN)
OF_A_PERSON = (Relation.OWN, Relation.OTHERS, Relation.UNKNOWN)
OF_A_CLASS = (Relation.OWN_CLASS, Relation.OTHER_CLASS, Relation.ARCHIVED, Relation.UNKNOWN)
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Target:
    """What an act is tried on; each field stands in the relation that is asked for, where that makes sense."""

    relation: Relation
    chapter: str
    classroom: str = UNKNOWN
    student: str = UNKNOWN
    person: str = UNKNOWN
    session: str = UNKNOWN
    batch: str = UNKNOWN


class World:
    """Two classes that have nothing to do with each other, an archived one, and the people in them."""

    def __init__(self, backend: Backend, school: School) -> None:
        self.backend, self.school = backend, school
        admin = school.admin()
        teacher, self.stranger = school.teacher(admin), school.teacher(admin)
        own, elsewhere, archived = (
            school.classroom(teacher, "12 A"),
            school.classroom(self.stranger, "12 B"),
            school.classroom(teacher, "11 A"),
        )
        student, self.other = school.student(own), school.student(elsewhere)
        self.left = school.student(archived)
        backend.classrooms.join(student, str(archived.join_code))
        backend.classrooms.archive(teacher, archived.id)
        student = structs.replace(student, classroom_ids=(own.id, archived.id))
        self.people: Mapping[str, Viewer | None] = {
            "nobody": None,
            "student": student,
            "teacher": teacher,
            "admin": admin,
        }
        self.own, self.elsewhere, self.archived = own.id, elsewhere.id, archived.id
        first, second = backend.chapters.active()[:2]
        self.chapter, self.archived_chapter = first.id, second.id
        backend.chapters.archive(teacher, second.id)
        self.batches = {
            each.id: backend.progress.change(
                each, self.chapter, ProgressChange(questions_delta=1), key="first"
            ).batch_id
            for each in (student, self.other)
        }

    def target(self, role: str, relation: Relation, *, fresh: bool = False) -> Target:
        """Something that stands in this relation to the person of this role; `fresh` makes it for this call alone."""
        viewer = self.people[role]
        chapter = {Relation.ARCHIVED: self.archived_chapter, Relation.UNKNOWN: UNKNOWN}.get(relation, self.chapter)
        if fresh and relation in OF_A_CHAPTER:
            chapter = self._fresh_chapter(relation) if relation is not Relation.UNKNOWN else UNKNOWN
        found = Target(relation, chapter, *self._classroom(role, relation, fresh=fresh))
        if viewer is not None and relation is Relation.OWN:
            session = self.session_of(viewer) if fresh else viewer.session_id
            return replace(found, person=viewer.id, session=session, batch=self.batches.get(viewer.id, UNKNOWN))
        if relation is Relation.OTHERS:
            return replace(
                found,
                person=self.other.id,
                session=self.session_of(self.other),
                batch=self.batches[self.other.id],
                student=self.other.id,
            )
        return found

    def session_of(self, viewer: Viewer) -> str:
        """One more session of this person."""
        return self.school.viewer(self.school.user(viewer)).session_id

    def relations(self, role: str, among: tuple[Relation, ...]) -> tuple[Relation, ...]:
        """Those in which something can stand to somebody: an administrator teaches no class here."""
        alone = {Relation.OWN_CLASS} if role in ("admin", "nobody") else set()
        return tuple(each for each in among if each not in alone)

    def _classroom(self, role: str, relation: Relation, *, fresh: bool) -> tuple[str, str]:
        student = self.people["student"]
        assert student is not None
        if fresh and role in ("teacher", "admin") and relation in (*OF_A_CLASS[:3],):
            return self._fresh_class(role, relation)
        places = {
            Relation.OWN_CLASS: (self.own, student.id),
            Relation.OTHER_CLASS: (self.elsewhere, self.other.id),
            Relation.ARCHIVED: (self.archived, self.left.id),
        }
        return places.get(relation, (UNKNOWN, UNKNOWN))

    def _fresh_class(self, role: str, relation: Relation) -> tuple[str, str]:
        owner = self.stranger if relation is Relation.OTHER_CLASS or role == "admin" else self.people["teacher"]
        assert owner is not None
        made = self.school.classroom(owner, "Fresh")
        self.backend.classrooms.join(self.other, str(made.join_code))
        if relation is Relation.ARCHIVED:
            self.backend.classrooms.archive(owner, made.id)
        return made.id, self.other.id

    def _fresh_chapter(self, relation: Relation) -> str:
        teacher = self.people["teacher"]
        assert teacher is not None
        number = len(self.backend.chapters.every())
        draft = ChapterDraft(subject="Physics", class_="Class 11", unit="Fresh", chapter=f"Chapter {number}")
        made = self.backend.chapters.create(teacher, draft)
        if relation is Relation.ARCHIVED:
            self.backend.chapters.archive(teacher, made.id)
        return made.id


def scope_of(act: str, role: str) -> Scope:
    """To whose data this role may do the act."""
    scope: Scope = getattr(ACTS[act], role)
    return scope


@pytest.fixture
def world(backend: Backend, school: School) -> World:
    return World(backend, school)
