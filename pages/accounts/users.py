"""Everybody with an account, for administrators: find and open a person, add teachers and administrators."""

import streamlit as st

from backend.accounts.models import ROLES, PeopleOrder, Role, User
from backend.kit.i18n import _, ago, day_of
from pages.accounts import user_deletion, user_dialogs
from pages.shell import services, session
from pages.shell.script_runs import fragment
from pages.widgets.elements import empty_state, filter_bar, page_header, pager
from pages.widgets.tables import Cell, Column, Row, data_table, order_of

PAGE_SIZE = 25
TABLE = "users-table"
ORDERS: tuple[PeopleOrder, ...] = ("name", "role", "state", "lastSignIn", "since")  # as the columns stand


def draw_filters() -> tuple[str, Role | None]:
    """Search and role; a change of either leads back to the first page."""
    with filter_bar("users"):
        search = st.text_input(
            _("Search"),
            type="search",
            placeholder=_("Name or e-mail address"),
            key="search",
            width=320,
            on_change=_first_page,
        )
        words = user_dialogs.role_words()
        role = st.segmented_control(
            _("Role"), ROLES, format_func=lambda each: words[each], key="role", on_change=_first_page
        )
    return search or "", role


def _first_page() -> None:
    st.session_state.pop("users-page", None)


def row_of(user: User, zone: str) -> Row:
    """A line of the table; deactivated people carry an icon and the word."""
    now = services.backend().clock.now()
    state = Cell(_("Active"), kind="ok") if user.is_active else Cell(_("Deactivated"), kind="deactivated")
    last = user.last_sign_in_at
    seen = Cell(ago(now - last), sort=last.timestamp()) if last else Cell(_("never"), sort=0)
    joined = Cell(day_of(user.created_at, zone), sort=user.created_at.timestamp())
    return Row(user.id, [Cell(user.name, note=user.email), user_dialogs.role_words()[user.role], state, seen, joined])


@fragment
def draw_list() -> None:
    """Draw the people found, a page at a time; a click on a person opens their dialog."""
    viewer = session.viewer("admin")
    user_deletion.draw_open(viewer)
    search, role = draw_filters()
    page = int(st.session_state.get("users-page", 1))
    order = order_of(TABLE)
    found = services.backend().administration.users(
        viewer,
        search=search,
        role=role,
        page=page,
        limit=PAGE_SIZE,
        order=ORDERS[order.column],
        descending=order.descending,
    )
    if not found.total:
        empty_state("person_search", _("Nobody found"), _("Try another part of the name or address, or another role."))
        return
    heads = [
        Column(_("Name")),
        Column(_("Role")),
        Column(_("State"), rule=_("A deactivated person cannot sign in; their data is kept")),
        Column(_("Last sign-in"), rule=_("When they last gave their password or signed in with the school's provider")),
        Column(_("Since"), rule=_("The day on which the account was made, in your time zone")),
    ]
    rows = [row_of(user, viewer.time_zone) for user in found.users]
    opened = data_table(_("People"), heads, rows, key=TABLE, stacked=True, on_order=_first_page)
    pager(found.total, PAGE_SIZE, "users-page")
    if opened:
        user_dialogs.open_person(opened)


session.viewer("admin")
with page_header(
    _("Users"), _("Students sign up themselves with a join code; you add everybody else."), icon="manage_accounts"
):
    if st.button(_("Add a person"), type="primary", icon=":material/person_add:", key="add"):
        user_dialogs.add_person()
draw_list()
