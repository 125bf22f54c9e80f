"""Every form of the product: where it is, how it is filled in and sent, and how to see that it was saved.

test_table.py compares the table with the sources; test_forms.py tries each entry.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from playwright.sync_api import Locator, Page, expect

from backend.accounts.models import User
from tests.journeys.school import ServedSchool

Kind = Literal["text", "choice", "radio", "date"]


@dataclass(frozen=True)
class Field:
    """One field of a form by its label, and what is put into it."""

    label: str
    value: str
    kind: Kind = "text"

    def put(self, page: Page, form: Locator) -> None:
        """Fill it in by the keyboard and the mouse, as a person does."""
        if self.kind == "radio":
            form.get_by_text(self.value, exact=True).click()
        elif self.kind == "choice":
            self._at(form).click()
            page.keyboard.press("ControlOrMeta+A")
            page.keyboard.type(self.value)
            page.get_by_role("option", name=self.value, exact=True).click()
            expect(page.get_by_role("listbox")).to_have_count(0)
        elif self.kind == "date":
            form.get_by_role("spinbutton", name=f"day, {self.label}").click()
            page.keyboard.type(self.value.replace("/", ""))
        else:
            self._at(form).fill(self.value)

    def holds(self, form: Locator) -> bool:
        """Whether its value stands in it."""
        if self.kind == "radio":
            return form.get_by_role("radio", name=self.value).is_checked()
        if self.kind == "date":
            parts = form.get_by_role("group", name=self.label, exact=True).get_by_role("spinbutton").all_inner_texts()
            return "/".join(parts) == self.value
        return self._at(form).input_value() == self.value

    def _at(self, form: Locator) -> Locator:
        return form.get_by_role("combobox" if self.kind == "choice" else "textbox", name=self.label, exact=True)


@dataclass(frozen=True)
class Form:
    """A form; `opener` is the button that opens the dialog in which it stands."""

    source: str
    role: Literal["student", "teacher", "admin"]
    path: str
    fields: tuple[Field, ...]
    button: str
    saved: Callable[[ServedSchool, User], int]  # how often that is saved which the fields hold
    opener: str = ""
    vanishes: bool = False  # once it is saved
    parts: tuple[str, ...] = ()  # other functions that draw fields of it

    def at(self, page: Page) -> Locator:
        """The form on the page."""
        button = page.get_by_role("button", name=self.button, exact=True)
        return page.get_by_test_id("stForm").filter(has=button)


def _me(school: ServedSchool, user: User) -> User:
    return school.backend.accounts.me(school.viewer(user.email))


def _goal(school: ServedSchool, user: User) -> int:
    me = _me(school, user)
    return int((me.daily_goal, me.exam_date) == (37, date(2027, 5, 24)))


def _day(school: ServedSchool, user: User) -> int:
    me = _me(school, user)
    return int((me.time_zone, me.day_end_hour) == ("Europe/Vienna", 3))


def _classes(name: str) -> Callable[[ServedSchool, User], int]:
    def count(school: ServedSchool, user: User) -> int:
        return [each.name for each in school.backend.classrooms.classrooms(school.viewer(user.email))].count(name)

    return count


def _people(email: str) -> Callable[[ServedSchool, User], int]:
    def count(school: ServedSchool, user: User) -> int:
        return len(school.backend.administration.users(school.viewer(user.email), search=email).users)

    return count


def _chapters(name: str) -> Callable[[ServedSchool, User], int]:
    return lambda school, _user: [each.chapter for each in school.backend.chapters.active()].count(name)


FORMS = (
    Form(
        "accounts/profile_forms.py:name_form", "student", "/settings", (Field("Your name", "Sita Renamed"),),
        "Save name", lambda school, user: int(_me(school, user).name == "Sita Renamed"),
    ),
    Form(
        "accounts/profile_forms.py:goal_form", "student", "/settings",
        (Field("Questions a day", "37"), Field("Exam date", "24/05/2027", "date")), "Save goal", _goal,
    ),
    Form(
        "accounts/profile_forms.py:day_form", "student", "/settings",
        (Field("Time zone", "Europe/Vienna", "choice"), Field("My day ends at", "03:00 in the night", "choice")),
        "Save day", _day, parts=("accounts/profile_forms.py:_zone_field",),
    ),
    Form(
        "accounts/profile_forms.py:board_form", "student", "/settings?view=classes",
        (Field("Taking part", "I take part under my display name", "radio"), Field("Display name", "Comet")),
        "Save choice", lambda school, user: int((_me(school, user).board_name or "") == "Comet"),
    ),
    Form(
        "accounts/profile_forms.py:classes_form", "student", "/settings?view=classes",
        (Field("Join code of another class", "{code}"),), "Join class", _classes("Another class"),
    ),
    Form(
        "boards/leaderboard.py:invite", "student", "/leaderboard", (Field("Display name", "Meteor"),),
        "Join the leaderboard", lambda school, user: int((_me(school, user).board_name or "") == "Meteor"),
        vanishes=True,
    ),
    Form(
        "classrooms/forms.py:create_form", "teacher", "/classroom", (Field("Name of the class", "12 Comets"),),
        "Create class", _classes("12 Comets"), opener="New class",
    ),
    Form(
        "classrooms/forms.py:draw_rename", "teacher", "/classroom?view=manage", (Field("Name", "12 Renamed"),),
        "Save name", _classes("12 Renamed"),
    ),
    Form(
        "accounts/user_dialogs.py:add_person", "admin", "/users",
        (Field("Name", "Asha New"), Field("E-mail address", "asha.new@example.org"),
         Field("Role", "Administrator", "radio")),
        "Add", _people("asha.new@example.org"), opener="Add a person",
    ),
    Form(
        "chapters/form.py:_fields", "teacher", "/manage-chapters",
        (Field("Subject", "{subject}", "choice"), Field("Class", "{class_}", "choice"),
         Field("Unit", "{unit}", "choice"), Field("Chapter", "Comets and their tails"), Field("Another year", "2011"),
         Field("Questions in that year", "3")),
        "Add chapter", _chapters("Comets and their tails"), opener="Add a chapter",
        parts=("chapters/form.py:_choice", "chapters/form.py:_counts", "chapters/form.py:_new_year"),
    ),
)  # fmt: skip

# Only kept or not: sending them asks for a password, a question or a new account first.
KEPT = (
    Form(
        "accounts/email_form.py:mail_form", "student", "/settings?view=security",
        (Field("E-mail address", "other@example.org"),), "Save address", lambda _school, _user: 0,
    ),
    Form(
        "accounts/user_role.py:draw", "admin", "/users", (Field("Role", "Administrator", "choice"),), "Change role",
        lambda _school, _user: 0, opener="Farah Siddiqui",
    ),
)  # fmt: skip

# Nothing of them is kept, or what is no secret lives with the tab of a guest.
SECRETS = {
    "accounts/password_and_sessions.py:password_form": "two passwords",
    "accounts/reset_password.py:draw_form": "a password",
    "accounts/second_factor.py:_draw_setup": "a code that is over within a minute",
    "accounts/second_step.py:draw_form": "a code that is over within a minute",
    "accounts/sign_in.py:draw_form": "a password",
    "accounts/sign_up.py:draw_form": "a guest's: test_what_a_guest_typed_is_there_after_a_reload",
    "accounts/welcome.py:draw_administrator_form": "the same fields",
    "backups/restore.py:_confirm": "a word that proves a decision, to be typed each time",
    "shell/guest_layout.py:account_fields": "the fields of a guest's forms",
    "shell/reauthentication.py:_draw_form": "a password",
    "shell/reauthentication.py:code_field": "a code that is over within a minute",
}

# They choose what is shown, or say how a press beside them is meant: nothing is saved of them.
VIEWS = {
    "accounts/settings.py:_chosen": "in the address",
    "accounts/weekly_mail_form.py:letter_form": "one switch, only where the school sends mail; kept like every switch",
    "accounts/users.py:draw_filters": "a filter",
    "audit/audit.py:wanted_by": "a filter",
    "backups/restore.py:_chosen_time": "says which point in time is meant; a question follows",
    "backups/restore.py:_chosen_way": "says how the point in time is chosen",
    "backups/restore.py:_draw_choice": "says which backup is meant; a question follows",
    "boards/leaderboard.py:choose": "a filter",
    "chapters/catalogue_list.py:_choice": "a filter",
    "chapters/catalogue_list.py:catalogue_filters": "a filter",
    "chapters/filters.py:_choice": "a filter, in the address",
    "chapters/filters.py:_more": "a filter, in the address",
    "chapters/filters.py:chapter_filters": "a filter, in the address",
    "chapters/import_report.py:_draw_rows": "a filter of the report",
    "chapters/imports.py:_ask": "about the file that is chosen, which a browser gives once",
    "chapters/imports.py:draw_options": "about the file that is chosen, which a browser gives once",
    "chapters/manage_chapters.py:": "a view",
    "chapters/own_list.py:_chosen": "about the file that is chosen, which a browser gives once",
    "classrooms/classroom.py:_choose": "a view, in the address",
    "classrooms/classroom.py:_choose_view": "a view",
    "classrooms/matrix.py:draw_matrix": "a filter",
    "classrooms/pseudonyms.py:hide_names_toggle": "a view",
    "classrooms/statistics.py:draw_numbers": "a filter",
    "operations/details.py:draw_details": "a view",
    "operations/jobs.py:_draw_run": "says which job the press beside it runs",
    "progress/comparison.py:draw_beside_others": "a view",
    "shell/idempotency.py:key_field": "filled in by the browser",
    "shell/uploads.py:uploader": "a file, which a browser gives once",
}


def somebody(form: Form, school: ServedSchool) -> User:
    """Return a person who has the form: a new student or teacher with a class, or the administrator."""
    if form.role == "admin":
        return school.backend.accounts.me(school.viewer("admin@demo.school"))
    if form.role == "student":
        return school.lone_student().user
    teacher = school.teacher()
    school.classroom(teacher, "First class")
    return teacher.user


def fields_of(form: Form, school: ServedSchool) -> list[Field]:
    """Return the fields of a form with values of this school."""
    chapter = school.backend.chapters.active()[0]
    code = school.classroom(school.teacher(), "Another class").join_code if "{code}" in str(form.fields) else ""
    known = {"code": code, "subject": chapter.subject, "class_": chapter.class_, "unit": chapter.unit}
    return [replace(each, value=each.value.format(**known)) for each in form.fields]
