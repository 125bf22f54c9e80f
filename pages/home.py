"""Home: each role has its own."""

from pages import _session

viewer = _session.viewer()
if viewer.role == "student":
    from pages import _student_home

    _student_home.draw(viewer)
elif viewer.role == "teacher":
    from pages import _teacher_home

    _teacher_home.draw(viewer)
else:
    from pages import _admin_home

    _admin_home.draw(viewer)
