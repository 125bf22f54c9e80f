"""A teacher's home: each class in a card, who needs attention in all of them, and the usual ways on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import streamlit as st
from msgspec.structs import replace

from backend.accounts.models import Viewer
from backend.classrooms.attention import flag_of
from backend.classrooms.models import ClassReport, Classroom, Learner
from backend.kit.i18n import _, listing, ngettext, number, percent
from pages.classrooms.forms import create_form
from pages.classrooms.learner_text import flag_cell, is_flagged, reasons_cell
from pages.classrooms.pseudonyms import hide_names_toggle, place_of, shown_names
from pages.shell import live_updates, services, session
from pages.shell.script_runs import refreshing
from pages.widgets.elements import as_of_html, card, link_html, page_header, section, section_html
from pages.widgets.style import chip, escape
from pages.widgets.tables import Row, Value, data_table, rules_html

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
    if services.backend().classrooms.classrooms(viewer):
        _draw_classes()
    else:
        _draw_first_class()
        st.html(_ways())


def _draw_first_class() -> None:
    with card("first-class"):
        section(_("Make your first class"), _("It gets a join code, with which learners create their own accounts."))
        create_form("home")


@refreshing(live_updates.FALLBACK_SECONDS)
def _draw_classes() -> None:
    viewer, backend = session.viewer("teacher"), services.backend()
    classrooms = backend.classrooms.classrooms(viewer)
    live_updates.listen(*(live_updates.classroom_room(each.id) for each in classrooms), key="classes")
    reports = [backend.reports.report(viewer, each.id) for each in classrooms]
    if not reports:
        return
    names = {report.classroom.id: shown_names((each.id, each.name) for each in report.learners) for report in reports}
    found = urgent(reports, names)
    st.html(_classes(reports) + _attention(is_calm=not found))
    if found:
        _draw_urgent(found)
    st.html(as_of_html(min(report.as_of for report in reports), viewer.time_zone) + _ways())


def _classes(reports: Sequence[ClassReport]) -> str:
    cards = f'<div class="cp-classes">{"".join(map(_card, reports))}</div>'
    if not any(report.learners for report in reports):
        return cards
    return cards + rules_html(_("What the figures mean"), [(label, rule) for label, _value, rule in facts(reports[0])])


def _card(report: ClassReport) -> str:
    classroom = report.classroom
    path, name = f"classroom?id={quote(classroom.id)}", f'<h2 class="cp-learner">{escape(classroom.name)}</h2>'
    if report.figures.learners:
        told = f'<dl class="cp-facts">{"".join(_fact_html(*fact) for fact in facts(report))}</dl>'
        way = link_html(path, _("Open"), "arrow_forward", said=_("Open {name}").format(name=classroom.name))
    else:
        words = _("Nobody is in this class yet. Hand out its join code:")
        told = f'<p class="cp-note">{escape(words)}</p><p class="cp-code">{escape(classroom.join_code or "")}</p>'
        way = link_html(path, _("Show the join code"), "key")
    return f'<article class="cp-card"><div class="cp-top">{name}{way}</div>{told}</article>'


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


@dataclass(frozen=True)
class Urgent:
    """A learner on the list of those who need attention: once, with all classes and reasons."""

    learner: Learner
    name: str
    classes: tuple[Classroom, ...]  # the one with most signals first


def urgent(reports: Sequence[ClassReport], names: Mapping[str, Names]) -> list[Urgent]:
    """Return everybody who is flagged, most signals first; `names` by class, then by learner."""
    found: dict[str, list[tuple[ClassReport, Learner]]] = {}
    for report in reports:
        for learner in report.learners:
            found.setdefault(learner.id, []).append((report, learner))
    flagged = [_joined(each, names) for each in found.values() if any(is_flagged(learner) for _, learner in each)]
    return sorted(flagged, key=lambda each: (-len(each.learner.reasons), place_of(each.name), each.learner.id))


def _joined(found: Sequence[tuple[ClassReport, Learner]], names: Mapping[str, Names]) -> Urgent:
    by_signals = sorted(found, key=lambda pair: -len(pair[1].reasons))
    reasons = tuple(dict.fromkeys(reason for _report, learner in by_signals for reason in learner.reasons))
    first, learner = by_signals[0]
    return Urgent(
        learner=replace(learner, reasons=reasons, flag=flag_of(reasons)),
        name=names[first.classroom.id][learner.id],
        classes=tuple(report.classroom for report, _learner in by_signals),
    )


def _attention(*, is_calm: bool) -> str:
    note = _("Most signals first, over all your classes. Choose one to open the class there.")
    calm = chip("ok", _("Nobody has a signal at the moment.")) if is_calm else ""
    return section_html(_("Needs attention"), "" if is_calm else note) + calm


def _draw_urgent(found: Sequence[Urgent]) -> None:
    shown = found[:MOST_URGENT]
    said = ngettext("{count} learner needs attention", "{count} learners need attention", len(found))
    if len(found) > len(shown):
        said = _("The first {count} of {all} learners who need attention")
    opened = data_table(
        said.format(count=number(len(shown)), all=number(len(found))),
        [_("Learner"), _("Class"), _("Flag"), _("Why")],
        [_row(each) for each in shown],
        key=FLAGGED,
        sort=2,
        stacked=True,
    )
    if opened:
        classroom_id, learner_id = opened.split(" ")
        st.switch_page("classrooms/classroom.py", query_params={"id": classroom_id, "learner": learner_id})


def _row(each: Urgent) -> Row:
    classes = listing([classroom.name for classroom in each.classes])
    cells: list[Value] = [each.name, classes, flag_cell(each.learner), reasons_cell(each.learner)]
    return Row(f"{each.classes[0].id} {each.learner.id}", cells)


def _ways() -> str:
    ways = (
        ("classroom", _("My classes"), "groups"),
        ("manage-chapters", _("Add or import chapters"), "upload_file"),
        ("leaderboard", _("Leaderboard"), "leaderboard"),
        ("settings", _("Settings"), "settings"),
    )
    links = "".join(f"<li>{link_html(*way)}</li>" for way in ways)
    return f'{section_html(_("Shortcuts"))}<ul class="cp-ways">{links}</ul>'
