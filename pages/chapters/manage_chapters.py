"""The page for editing the catalogue: its list, its form, its imports and its archive."""

import streamlit as st

from backend.kit.i18n import _, number
from pages.chapters import archive, catalogue_list, form, import_report
from pages.chapters.list_downloads import draw_downloads
from pages.shell import services, session
from pages.widgets.elements import empty_state, page_header
from pages.widgets.style import plain

viewer = session.viewer("teacher", "admin")
chapters = services.backend().chapters
archived = chapters.archived(viewer)
words = {
    "list": _("Chapters"),
    "import": _("Import a file"),
    "archive": plain(_("Archive: {count}").format(count=number(len(archived)))),
}
actions = page_header(
    _("Manage chapters"), _("The syllabus of the whole school. Progress of learners is kept apart."), icon="edit_note"
)
view = st.segmented_control(
    _("View"), list(words), default="list", required=True, key="catalogue-view", format_func=words.__getitem__,
    label_visibility="collapsed",
)  # fmt: skip
archive.draw_notice()
if view == "import":
    import_report.draw_import()
elif view == "archive":
    archive.draw_archive(archived, viewer.time_zone)
elif chapters.active():
    filters = catalogue_list.catalogue_filters(services.backend().overview.facets())
    with actions:
        note = _("The chapters that your filters show, with their year counts.")
        draw_downloads(viewer, filters, note, key="catalogue")
        if st.button(_("Add a chapter"), icon=":material/add:", type="primary", key="catalogue-add"):
            form.open_form(None)
    opened = catalogue_list.draw_list(viewer, filters)
    if opened:
        form.open_form(chapters.get(opened))
elif empty_state(
    "menu_book",
    _("There are no chapters yet"),
    _("Import a chapter file, or add the first chapter by hand."),
    _("Add a chapter"),
    key="catalogue",
):
    form.open_form(None)
