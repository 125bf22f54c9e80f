"""Chapters that were removed from the syllabus, with buttons to bring them back."""

from collections.abc import Sequence

import streamlit as st

from backend.chapters.models import Chapter
from backend.kit.i18n import _, day_of
from pages.chapters.form import ARCHIVED, NOTICE
from pages.chapters.text import place_words
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.shell.idempotency import once
from pages.widgets.elements import card, empty_state, escape, notice_saved, pager

PAGE_SIZE = 20


def draw_notice() -> None:
    """Show the notice of the last act, with an undo button if a chapter was archived."""
    words, archived_id = st.session_state.get(NOTICE, ""), st.session_state.get(ARCHIVED, "")
    if not words:
        return
    if notice_saved(words, "catalogue-undo" if archived_id else None):
        _bring_back(archived_id)


def draw_archive(chapters: Sequence[Chapter], zone: str) -> None:
    """The archived chapters, each with its button."""
    if not chapters:
        empty_state("inventory_2", _("The archive is empty"), _("Chapters that you archive appear here."))
        return
    place = st.container(gap="small")
    page = pager(len(chapters), PAGE_SIZE, "archive-page")
    with place:
        for chapter in chapters[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]:
            _draw_one(chapter, zone)


def _draw_one(chapter: Chapter, zone: str) -> None:
    with (
        card(f"archived-{chapter.id}"),
        st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"),
    ):
        since = _("archived {day}").format(day=day_of(chapter.archived_at, zone)) if chapter.archived_at else ""
        st.html(
            f"<strong>{escape(chapter.chapter)}</strong>"
            f'<p class="cp-note">{escape(place_words(chapter))} · {escape(chapter.class_)} · {escape(since)}</p>',
            width="content",
        )
        if st.button(_("Bring back"), key=f"back-{chapter.id}", icon=":material/unarchive:"):
            _bring_back(chapter.id)


def _bring_back(chapter_id: str) -> None:
    with noticed():
        viewer, chapters = session.viewer("teacher", "admin"), services.backend().chapters
        back = once(
            "chapter-back",
            lambda: chapters.bring_back(viewer, chapter_id),
            *(chapter_id, [each.archived_at for each in chapters.archived(viewer) if each.id == chapter_id]),
            lost=lambda: chapters.get(chapter_id),
        )
        st.session_state[NOTICE] = _("Back in the syllabus: {name}").format(name=back.chapter)
        st.session_state[ARCHIVED] = ""
        st.rerun()
