"""The join code of a class: a card to copy from, a sheet for the projector, and a fresh code."""

from urllib.parse import quote, urlsplit

import streamlit as st

from backend.classrooms.models import Classroom
from backend.kit.i18n import _, ngettext, number
from pages.shell import live_updates, services, session
from pages.shell.errors import noticed
from pages.shell.idempotency import once
from pages.shell.script_runs import refreshing
from pages.widgets.elements import ask, button_row, card, confirmed, escape, note_title, notice_saved, section

PARAMETER = "projector"
_RENEW = "renew-code"
_OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


def sign_up_link(code: str) -> str:
    """The address of the sign-up page with the code filled in, as this browser reaches the school."""
    here = urlsplit(st.context.url or "")
    base = f"{here.scheme}://{here.netloc}" if here.netloc else ""
    return f"{base}/sign-up?code={quote(code)}"


def is_on_projector() -> bool:
    """Whether the sheet for the projector fills the page."""
    return PARAMETER in st.query_params


def draw_card(classroom: Classroom) -> None:
    """The code, the link, and what to do with them."""
    code = classroom.join_code or ""
    with card("join-code"):
        section(_("Join code"), _("Learners sign up with it, by themselves, in a minute."))
        st.html(f'<p class="cp-code">{escape(code)}</p>')
        st.caption(_("Copy the link with the code in it, or the code alone."))
        st.code(sign_up_link(code), language=None, wrap_lines=True)
        st.code(code, language=None)
        _draw_warning()
        with button_row("join-code"):
            st.button(
                _("Show on the projector"), icon=":material/present_to_all:", type="primary", key="code-projector",
                on_click=_to_projector,
            )  # fmt: skip
            if st.button(_("New code"), icon=":material/autorenew:", key="code-renew"):
                question = _(
                    "The code {code} stops working at once, on paper and in links too. Who is in the class stays in it."
                ).format(code=code)
                ask(_RENEW, _("Make a new join code?"), question, _("Make a new code"), icon="autorenew")
        if st.session_state.pop("code-renewed", None) == classroom.id:
            notice_saved(_("New code made. The old one no longer works."))


def renew_where_agreed(classroom: Classroom) -> Classroom:
    """The classroom, with a fresh code where the teacher has just agreed to one."""
    if not confirmed(_RENEW):
        return classroom
    with noticed():
        viewer, classrooms, known = session.viewer("teacher", "admin"), services.backend().classrooms, classroom.id
        classroom = once(
            "join-code",
            lambda: classrooms.renew_code(viewer, known),
            *(known, classroom.join_code),
            lost=lambda: classrooms.get(viewer, known),
        )
        st.session_state["code-renewed"] = classroom.id
    return classroom


def draw_projector(classroom: Classroom) -> None:
    """The code as large as the screen allows, with what learners do. No names are shown."""
    code = classroom.join_code or ""
    link = sign_up_link(code)
    note_title()
    steps = (
        _("Open {address}").format(address=link.split("?", maxsplit=1)[0]),
        _("Type the code, your name, your e-mail address and a password"),
        _("Choose a chapter and begin"),
    )
    items = "".join(f"<li>{escape(step)}</li>" for step in steps)
    st.html(
        "<style>[data-testid=stSidebar],[data-testid=stExpandSidebarButton]{display:none}</style>"
        f'<section class="cp-projector"><h1>{escape(_("Join {name}").format(name=classroom.name))}</h1>'
        f'<p class="cp-code">{escape(code)}</p><ol>{items}</ol></section>'
    )
    with st.container(horizontal=True, horizontal_alignment="center"):
        _draw_count(classroom.id)
    with st.container(horizontal=True, horizontal_alignment="center"):
        st.button(_("Back to the class"), icon=":material/arrow_back:", key="code-back", on_click=_from_projector)
    _draw_warning()


@refreshing(live_updates.FALLBACK_SECONDS)
def _draw_count(classroom_id: str) -> None:
    viewer = session.viewer("teacher", "admin")
    live_updates.listen(live_updates.classroom_room(classroom_id), key="projector")
    count = services.backend().reports.report(viewer, classroom_id).figures.learners
    words = ngettext("{count} learner is in the class", "{count} learners are in the class", count)
    st.html(f'<p class="cp-projector-count" role="status">{escape(words.format(count=number(count)))}</p>')


def _draw_warning() -> None:
    host = urlsplit(st.context.url or "").hostname
    if host in _OWN_MACHINE:
        words = _(
            "You opened this page as “{host}”, which means this computer alone. For a link that works in the "
            "classroom, open it by the computer's name or network address."
        )
        st.info(words.format(host=host), icon=":material/lan:")


def _to_projector() -> None:
    st.query_params[PARAMETER] = "1"


def _from_projector() -> None:
    if PARAMETER in st.query_params:
        del st.query_params[PARAMETER]
