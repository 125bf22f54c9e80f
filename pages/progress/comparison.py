"""A student beside their classes and everyone, on request: averages only, never of a few people."""

import streamlit as st

from backend.kit.i18n import _, number, percent
from backend.statistics.models import Comparison
from pages.shell import services, session
from pages.shell.script_runs import fragment
from pages.widgets.elements import as_of, section_html
from pages.widgets.tables import Column, Twin, static_table


def heading_html() -> str:
    """Return the heading above the switch, as HTML."""
    return section_html(
        _("Compared with others"), _("Chapters completed, as a share of each subject. Only if you want to know.")
    )


@fragment
def draw_beside_others() -> None:
    """Draw a switch, and once it is on, a row for each subject. Nothing is read before that."""
    viewer = session.viewer("student")
    if not st.toggle(_("Show how far others are"), key="beside-others"):
        return
    found = services.backend().class_statistics.comparison(viewer)
    static_table(_table(found))
    st.caption(_who(found))
    as_of(found.as_of, viewer.time_zone)


def _table(found: Comparison) -> Twin:
    average = _("Average share of the subject's chapters that are completed.")
    columns = [
        Column(_("Subject")),
        Column(_("You"), numeric=True),
        Column(_("Your classes"), numeric=True, rule=average),
        Column(_("Everyone"), numeric=True, rule=average),
    ]
    rows = [[row.subject, percent(row.own), _share(row.classes), _share(row.everyone)] for row in found.rows]
    return Twin(_("Chapters completed by subject"), columns, rows)


def _share(share: float | None) -> str | None:
    return None if share is None else percent(share)


def _who(found: Comparison) -> str:
    said = [_("Rounded, and renewed once a day at most. Who joined less than two weeks ago does not count yet.")]
    if found.classmates is not None:
        said.append(_("About {count} in your classes.").format(count=number(found.classmates)))
    if found.students is not None:
        said.append(_("About {count} students in all.").format(count=number(found.students)))
    if None in (found.classmates, found.students):
        said.append(_("Nothing is shown for fewer than five others."))
    return " ".join(said)
