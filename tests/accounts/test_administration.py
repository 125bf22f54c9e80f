"""What administrators may do to accounts, and nobody else."""

import unicodedata
from collections.abc import Callable

import pytest

from backend.accounts.models import PeopleOrder, ProfileChange, Role, Viewer
from backend.bootstrap import Backend
from backend.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn
from tests.school import PASSWORD, School

ADDED: tuple[Role, Role] = ("teacher", "admin")
Act = Callable[[Backend, Viewer, str], object]
ACTS: dict[str, Act] = {
    "users": lambda backend, viewer, _id: backend.administration.users(viewer),
    "user": lambda backend, viewer, user_id: backend.administration.user(viewer, user_id),
    "create": lambda backend, viewer, _id: backend.administration.create(
        viewer, name="X", email="x@example.org", role="teacher"
    ),
    "set_active": lambda backend, viewer, user_id: backend.administration.set_active(viewer, user_id, active=False),
    "set_role": lambda backend, viewer, user_id: backend.administration.set_role(viewer, user_id, "teacher"),
    "make_reset_link": lambda backend, viewer, user_id: backend.administration.make_reset_link(viewer, user_id),
    "health": lambda backend, viewer, _id: backend.operations.health(viewer),
}


@pytest.mark.parametrize("act", ACTS)
def test_only_administrators_may(backend: Backend, school: School, act: str) -> None:
    """Every act of administration is refused to teachers and students by the service itself."""
    admin = school.admin()
    teacher = school.teacher(admin)
    student = school.student(school.classroom(teacher))
    for viewer in (teacher, student):
        with pytest.raises(NotAllowed):
            ACTS[act](backend, viewer, admin.id)
    assert ACTS[act](backend, admin, student.id)


def test_a_new_role_holds_from_the_next_click(backend: Backend, school: School) -> None:
    """The session of somebody whose role changed carries the new role at once."""
    admin = school.admin()
    user = school.user(school.teacher(admin))
    token = backend.sign_in.redeem_ticket(backend.sign_in.issue_ticket(user, "b"), "b", "test")
    assert backend.sign_in.viewer(token).role == "teacher"
    backend.administration.set_role(admin, user.id, "admin")
    assert backend.sign_in.viewer(token).role == "admin"


def test_nobody_shuts_herself_out(backend: Backend, school: School) -> None:
    """An administrator cannot deactivate herself or take her own role away, even where there is another one."""
    admin = school.admin()
    link = backend.administration.create(admin, name="Second", email="second@example.org", role="admin")
    backend.accounts.reset_password(link.token, PASSWORD)
    with pytest.raises(Conflict):
        backend.administration.set_active(admin, admin.id, active=False)
    with pytest.raises(Conflict):
        backend.administration.set_role(admin, admin.id, "teacher")


def test_the_last_administrator_stays(backend: Backend, school: School) -> None:
    """One of two administrators can be deactivated by the other; then none is left to be taken away."""
    admin = school.admin()
    link = backend.administration.create(admin, name="Second", email="second@example.org", role="admin")
    second = school.viewer(backend.accounts.reset_password(link.token, PASSWORD))
    backend.administration.set_active(second, admin.id, active=False)
    with pytest.raises(Conflict):
        backend.administration.set_active(second, second.id, active=False)
    assert backend.mongo["users"].count_documents({"role": "admin", "isActive": True}) == 1


def test_students_are_not_created(backend: Backend, school: School) -> None:
    """An administrator makes teachers and administrators; students come by join code."""
    with pytest.raises(Invalid):
        backend.administration.create(school.admin(), name="X", email="x@example.org", role="student")


def test_without_a_password_nobody_signs_in(backend: Backend, school: School) -> None:
    """A new teacher cannot sign in before she has set her password by the link."""
    backend.administration.create(school.admin(), name="X", email="x@example.org", role="teacher")
    for guess in ("", "None", "null", PASSWORD):
        with pytest.raises(NotSignedIn):
            backend.sign_in.authenticate("x@example.org", guess)


def test_people_are_found_by_word_and_address(backend: Backend, school: School) -> None:
    """Each word of a search begins a word of the name or the address; signs mean nothing, and no pattern is one."""
    admin = school.admin()
    for name, email in (("Sita Devi (A)", "sd@example.org"), ("Besita Rao", "rao.b@school.example")):
        backend.administration.create(admin, name=name, email=email, role="teacher")

    def found(search: str) -> list[str]:
        return [user.name for user in backend.administration.users(admin, search=search).users]

    assert found("sita") == ["Sita Devi (A)"]
    assert found("DEV") == ["Sita Devi (A)"]
    assert found("rao.b@") == ["Besita Rao"]
    assert found("devi (A") == ["Sita Devi (A)"]
    assert found(".*") == []
    assert found("devi example") == ["Sita Devi (A)"]


def test_people_are_found_in_any_spelling(backend: Backend, school: School) -> None:
    """Without accents, decomposed, with any apostrophe; and again after a change of name and address."""
    admin = school.admin()
    names = ("José Díaz", "Nguyễn Văn", "Siobhán O'Brien", "कमल शर्मा")
    for number, name in enumerate(names):
        backend.administration.create(admin, name=name, email=f"p{number}@example.org", role="teacher")

    def found(search: str) -> list[str]:
        return [user.name for user in backend.administration.users(admin, search=search).users]

    for typed, at in (("jose", 0), ("diaz", 0), ("nguyen", 1), ("obrien", 2), ("O’Brien", 2), ("कमल", 3)):
        assert found(typed) == found(unicodedata.normalize("NFD", typed)) == [names[at]]
    assert found("काल") == []
    user = backend.administration.users(admin, search="jose").users[0]
    backend.accounts.update_profile(school.viewer(user), ProfileChange(name="Zoë Quist"))
    assert (found("jose"), found("zoe")) == ([], ["Zoë Quist"])


def test_people_are_in_any_order_over_all_pages(backend: Backend, school: School) -> None:
    """Every order holds over the pages, both ways; those alike stand by name."""
    admin = school.admin()
    roles: tuple[Role, ...] = ("teacher", "admin", "teacher")
    for number, role in enumerate(roles):
        backend.administration.create(admin, name=f"P{number}", email=f"{number}@example.org", role=role)

    def names(order: PeopleOrder, descending: bool) -> list[str]:
        pages = [
            backend.administration.users(admin, page=page, limit=2, order=order, descending=descending)
            for page in (1, 2)
        ]
        return [user.name for page in pages for user in page.users]

    assert names("name", True) == ["P2", "P1", "P0", "Asha Admin"]
    assert names("role", False) == ["Asha Admin", "P1", "P0", "P2"]
    assert names("role", True) == ["P0", "P2", "Asha Admin", "P1"]
    with pytest.raises(Invalid):
        backend.administration.users(admin, order="role", after=("P0", "x"))


def test_people_come_in_pages(backend: Backend, school: School) -> None:
    """Each person stands on exactly one page, and a page that does not exist is refused."""
    admin = school.admin()
    for number in range(5):
        backend.administration.create(admin, name=f"T{number}", email=f"t{number}@example.org", role="teacher")
    pages = [backend.administration.users(admin, page=page, limit=2) for page in (1, 2, 3)]
    assert [page.total for page in pages] == [6, 6, 6]
    assert len({user.id for page in pages for user in page.users}) == 6
    assert [user.name for user in backend.administration.users(admin, role="admin").users] == ["Asha Admin"]
    with pytest.raises(Invalid):
        backend.administration.users(admin, page=0)


def test_people_are_in_order_of_name(backend: Backend, school: School) -> None:
    """Names are in order over all pages, whatever the role and the capitals; T2 comes before T10."""
    admin = school.admin()
    for number, name in enumerate(("t10", "T2", "zara", "Bina")):
        role = ADDED[number % 2]
        backend.administration.create(admin, name=name, email=f"{number}@example.org", role=role)
    pages = [backend.administration.users(admin, page=page, limit=2) for page in (1, 2, 3)]
    assert [user.name for page in pages for user in page.users] == ["Asha Admin", "Bina", "T2", "t10", "zara"]


def test_an_unknown_person_is_not_found(backend: Backend, school: School) -> None:
    """Acts on an id that nobody has say so."""
    with pytest.raises(NotFound):
        backend.administration.set_active(school.admin(), "no such id", active=False)
