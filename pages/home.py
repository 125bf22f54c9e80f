"""Home: each role has its own."""

from pages.shell import session

viewer = session.viewer()
if viewer.role == "student":
    from pages.progress import student_home

    student_home.draw(viewer)
elif viewer.role == "teacher":
    from pages.classrooms import teacher_home

    teacher_home.draw(viewer)
else:
    from pages.operations import admin_home

    admin_home.draw(viewer)
