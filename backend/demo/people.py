"""Creation of the people of the demo school: staff, classes, students. Existing people are kept."""

from datetime import datetime

from backend.accounts.models import ProfileChange, User, Viewer, viewer_of
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.demo import names
from backend.demo.calendar import SchoolTime
from backend.demo.learners import COURSES, NIGHT_OWL_HOUR, InventedStudent
from backend.demo.past import Past
from backend.errors import Conflict, NotFound
from backend.kit.i18n import _

PASSWORD = "demo-school-2026"  # noqa: S105  (published on purpose: DESIGN §9)
ADMINISTRATOR = "admin@demo.school"
_DEVICE = "demo school"
LEAD_DAYS = 3  # the staff was there before the students
_OFFICE = Viewer(id="demo-school", name="Demo school", email="", role="admin")  # looks people up before any signed in


def teacher_email(number: int) -> str:
    """Address of a teacher, counted from 1."""
    return f"teacher{number}@demo.school"


def administrator(past: Past, school: SchoolTime) -> User:
    """The administrator. Raises Conflict where the school has another one."""
    backend = past.at(school.at(-LEAD_DAYS, 9 * 60))
    try:
        return backend.registration.create_first_administrator(
            name=names.ADMINISTRATOR, email=ADMINISTRATOR, password=PASSWORD, is_demo=True
        )
    except Conflict:
        known = _known(backend, ADMINISTRATOR)
        if known is None:
            raise
        return known


def classrooms(past: Past, admin: User, school: SchoolTime) -> tuple[Classroom, ...]:
    """The classes in the order of COURSES, each with its teacher and its join code."""
    teachers = [_teacher(past, admin, number, school) for number in range(1, len(names.TEACHERS) + 1)]
    backend = past.at(school.at(-LEAD_DAYS, 10 * 60))
    known = {classroom.name: classroom for classroom in backend.classrooms.classrooms(viewer_of(admin))}
    return tuple(
        known.get(course.name) or backend.classrooms.create(viewer_of(teachers[course.teacher]), course.name)
        for course in COURSES
    )


def student(past: Past, learner: InventedStudent, classroom: Classroom, at: datetime) -> Viewer:
    """Sign a learner up by the join code of their class, with their choices, and return them."""
    backend = past.at(at)
    try:
        user = backend.registration.sign_up(
            name=learner.name,
            email=learner.email,
            password=PASSWORD,
            join_code=str(classroom.join_code),
            is_demo=True,
        )
    except Conflict:
        user = _somebody(backend, learner.email)
    user = backend.accounts.update_profile(
        viewer_of(user, (classroom.id,)),
        ProfileChange(
            daily_goal=learner.daily_goal,
            exam_date=learner.exam_date,
            day_end_hour=NIGHT_OWL_HOUR if learner.is_night_owl else 0,
            board_name=learner.board_name,
            board_joined=learner.board_name is not None,
        ),
    )
    return viewer_of(user, (classroom.id,))


def sign_in_and_out(then: Backend, viewer: Viewer) -> None:
    """Sign in and out once, so that the account has a last sign-in."""
    then.sign_in.sign_in_program(viewer.email, PASSWORD, _DEVICE)  # a ticket of the past would be swept away
    then.accounts.sign_out_elsewhere(viewer)


def _teacher(past: Past, admin: User, number: int, school: SchoolTime) -> User:
    """Return a teacher with a password. The link is made now: one from the past would have expired."""
    email, then = teacher_email(number), past.at(school.at(-LEAD_DAYS, 9 * 60 + 10 * number))
    user = _known(then, email)
    if user is None:
        name = names.TEACHERS[number - 1]
        user = then.administration.create(viewer_of(admin), name=name, email=email, role="teacher", is_demo=True).user
    now = past.at(school.now)
    return now.accounts.reset_password(now.administration.make_reset_link(viewer_of(admin), user.id).token, PASSWORD)


def _known(backend: Backend, email: str) -> User | None:
    found = backend.administration.users(_OFFICE, search=email, limit=200).users
    return next((user for user in found if user.email == email), None)


def _somebody(backend: Backend, email: str) -> User:
    user = _known(backend, email)
    if user is None:
        raise NotFound(_("There is no such person."))
    return user
