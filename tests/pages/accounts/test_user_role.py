"""Another role for a person: asked about, then done."""

from streamlit.testing.v1 import AppTest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from tests.pages.signed_in import OpenPage
from tests.school import School


def draw_role(user_id: str) -> None:
    """What stands in the dialog of a person; AppTest runs no part of a page alone."""
    from pages.accounts import user_dialogs, user_role  # noqa: PLC0415 - this function is a script of its own
    from pages.shell import services, session  # noqa: PLC0415 - as above

    viewer = session.viewer("admin")
    user = services.backend().administration.user(viewer, user_id)
    user_role.draw(user, viewer, user_dialogs.role_words())


def role_of(backend: Backend, admin: Viewer, user_id: str) -> str:
    return backend.administration.user(admin, user_id).role


def test_a_role_is_changed_after_a_question(backend: Backend, school: School, open_page: OpenPage) -> None:
    """What she wins and loses is said first; Cancel changes nothing, Yes does."""
    admin = school.admin()
    teacher = school.teacher(admin)
    open_page("accounts/users.py", school.user(admin))
    script = AppTest.from_function(draw_role, kwargs={"user_id": teacher.id}, default_timeout=60).run()
    for answer, role in (("role-no", "teacher"), ("role-yes", "admin")):
        script.selectbox(key=f"role-of-{teacher.id}").set_value("admin")
        script.button[0].click().run()
        said = script.warning[0].value
        assert "no longer sees the classes they taught" in said and "everybody's data" in said
        assert role_of(backend, admin, teacher.id) == "teacher"
        script.button(key=answer).click().run()
        assert role_of(backend, admin, teacher.id) == role
