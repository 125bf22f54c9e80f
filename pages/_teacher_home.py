"""A teacher's home: each class in a card, who needs attention in all of them, and the usual ways on."""

from collections.abc import Mapping, Sequence

import streamlit as st

from backend.accounts.models import Viewer
from backend.classrooms.models import ClassReport, Learner
from backend.kit.i18n import _, ngettext, number, percent
from pages import _live, _session
from pages._class_forms import create_form
from pages._learner_words import flag_cell, is_flagged, reasons_cell
from pages._parts import as_of, card, page_header, section
from pages._pseudonyms import hide_names_toggle, place_of, shown_names
from pages._runs import refreshing
from pages._style import escape
from pages._tables import Row, Value, data_table, rules_html

MOST_URGENT = 8
FLAGGED = "home-flagged"
Names = Mapping[str, str]


def draw(viewer: Viewer) -> None:
    """The whole page."""
    actions = page_header(
        _("Hello, {name}").format(name=viewer.name.split()[0]), _("Your classes today."), icon="waving_hand"
    )
    with actions:
        hide_names_toggle()
    if _session.backend().classrooms.classrooms(viewer):
        _draw_classes()
    else:
        _draw_first_class()
    _draw_ways()


def _draw_first_class() -> None:
    with card("first-class"):
        section(_("Make your first class"), _("It gets a join code, with which learners create their own accounts."))
        create_form("home")


@refreshing(_live.FALLBACK_SECONDS)
def _draw_classes() -> None:
    viewer, backend = _session.viewer("teacher"), _session.backend()
    classrooms = backend.classrooms.classrooms(viewer)
    _live.listen(*(_live.classroom_room(each.id) for each in classrooms), key="classes")
    reports = [backend.reports.report(viewer, each.id) for each in classrooms]
    if not reports:
        return
    grid = st.grid(min(3, len(reports)), min_column_width=280, gap="small")
    for report in reports:
        with grid.container(border=True, key=f"cp-card-{report.classroom.id}"):
            _draw_card(report)
    if any(report.learners for report in reports):
        rules = [(label, rule) for label, _value, rule in facts(reports[0])]
        st.html(rules_html(_("What the figures mean"), rules))
    _draw_flagged(reports)
    as_of(min(report.as_of for report in reports), viewer.time_zone)


def _draw_card(report: ClassReport) -> None:
    figures, classroom = report.figures, report.classroom
    query = {"id": classroom.id}
    st.html(f'<h2 class="cp-learner">{escape(classroom.name)}</h2>')
    if not figures.learners:
        st.html(f'<p class="cp-note">{escape(_("Nobody is in this class yet. Hand out its join code:"))}</p>')
        st.html(f'<p class="cp-code">{escape(classroom.join_code or "")}</p>')
        st.page_link("classroom.py", label=_("Show the join code"), icon=":material/key:", query_params=query)
        return
    st.html(f'<dl class="cp-facts">{"".join(_fact_html(*fact) for fact in facts(report))}</dl>')
    st.page_link("classroom.py", label=_("Open the class"), icon=":material/arrow_forward:", query_params=query)


def facts(report: ClassReport) -> list[tuple[str, str, str]]:
    """Label, value and rule of each fact on a class card."""
    figures = report.figures
    average = figures.average_completed
    return [
        (_("Learners"), number(figures.learners), _("Learners in the class.")),
        (_("Active in 7 days"), number(figures.active_7_days), _("Learners who saved anything in the last 7 days.")),
        (
            _("Average completed"),
            "–" if average is None else percent(average),
            _("Chapters with the status Completed, of all chapters of the syllabus, averaged over the learners."),
        ),
        (_("Need attention"), number(figures.flagged), _("Learners with at least one signal.")),
    ]


def _fact_html(label: str, value: str, rule: str) -> str:
    return f'<div title="{escape(rule)}"><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>'


def urgent(reports: Sequence[ClassReport], names: Mapping[str, Names]) -> list[tuple[ClassReport, Learner]]:
    """Everybody who is flagged, most signals first, whatever the class; `names` by class, then by learner."""
    flagged = [(report, each) for report in reports for each in report.learners if is_flagged(each)]
    return sorted(
        flagged, key=lambda pair: (-len(pair[1].reasons), place_of(names[pair[0].classroom.id][pair[1].id]), pair[1].id)
    )


def _draw_flagged(reports: Sequence[ClassReport]) -> None:
    section(_("Needs attention"), _("Most signals first, over all your classes. Choose one to open the class there."))
    names = {report.classroom.id: shown_names((each.id, each.name) for each in report.learners) for report in reports}
    found = urgent(reports, names)
    if not found:
        st.success(_("Nobody has a signal at the moment."), icon=":material/check_circle:")
        return
    shown = found[:MOST_URGENT]
    said = ngettext("{count} learner needs attention", "{count} learners need attention", len(found))
    if len(found) > len(shown):
        said = _("The first {count} of {all} learners who need attention")
    opened = data_table(
        said.format(count=number(len(shown)), all=number(len(found))),
        [_("Learner"), _("Class"), _("Flag"), _("Why")],
        [_row(report, learner, names[report.classroom.id][learner.id]) for report, learner in shown],
        key=FLAGGED,
        sort=2,
        stacked=True,
    )
    if opened:
        classroom_id, learner_id = opened.split(" ")
        st.switch_page("classroom.py", query_params={"id": classroom_id, "learner": learner_id})


def _row(report: ClassReport, learner: Learner, name: str) -> Row:
    cells: list[Value] = [name, report.classroom.name, flag_cell(learner), reasons_cell(learner)]
    return Row(f"{report.classroom.id} {learner.id}", cells)


def _draw_ways() -> None:
    section(_("Ways on"))
    with st.container(horizontal=True, gap="small", key="cp-ways"):
        st.page_link("classroom.py", label=_("My classes"), icon=":material/groups:")
        st.page_link("manage_chapters.py", label=_("Add or import chapters"), icon=":material/upload_file:")
        st.page_link("leaderboard.py", label=_("Leaderboard"), icon=":material/leaderboard:")
        st.page_link("settings.py", label=_("Settings"), icon=":material/settings:")
