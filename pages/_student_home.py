"""A student's first screen: rings, today, streak, what to go on with, what to study next and why."""

from collections.abc import Sequence

import streamlit as st

from backend.accounts.models import Viewer
from backend.kit.i18n import _, day, ngettext, number, percent
from backend.progress.models import ChapterRow, Home, Suggestion
from pages import _live, _session
from pages._chapter_words import chapter_link, place_words, solved_words
from pages._parts import KeyFigure, Ring, card, empty_state, escape, metric_row, page_header, rings_row, section
from pages._runs import refreshing
from pages._style import chip, icon_html


def draw(viewer: Viewer) -> None:
    """Home of a student."""
    home = _session.backend().overview.home(viewer)
    first_name = viewer.name.split()[0]
    actions = page_header(_("Hello, {name}").format(name=first_name), _countdown(home), icon="waving_hand")
    actions.page_link("chapters.py", label=_("All chapters"), icon=":material/menu_book:")
    _draw_figures()


@refreshing(_live.FALLBACK_SECONDS)
def _draw_figures() -> None:
    _live.listen(_live.ME, key="home")
    home = _session.backend().overview.home(_session.viewer("student"))
    _figures(home)
    _subjects(home)
    left, right = st.columns(2, gap="medium")
    with left:
        _study_next(home)
    with right:
        _continue(home.continue_with)
        _pace(home)


def _countdown(home: Home) -> str:
    if home.exam_date is None:
        return _("Set your exam date in the settings, and this page counts down to it.")
    if home.days_to_exam is None:
        return _("Your exam was on {day}.").format(day=day(home.exam_date))
    if home.days_to_exam == 0:
        return _("Your exam is today. All the best!")
    words = ngettext("{count} day to your exam on {day}", "{count} days to your exam on {day}", home.days_to_exam)
    return words.format(count=number(home.days_to_exam), day=day(home.exam_date))


def _figures(home: Home) -> None:
    today, streak, total = max(0, home.today.solved), home.summary.streak, home.summary.total
    metric_row(
        [
            KeyFigure(
                _("Questions today"),
                _("{done} of {goal}").format(done=number(today), goal=number(home.daily_goal)),
                _("Questions solved since your day began, against your daily goal (change it in the settings)."),
                _("Goal reached") if today >= home.daily_goal else _to_go(home.daily_goal - today),
                "target",
            ),
            KeyFigure(
                _("Streak"),
                _days(streak.current),
                _(
                    "Days in a row with a question solved or a chapter completed. One missed day a week is forgiven. "
                    "Your longest: {longest}."
                ).format(longest=_days(streak.longest)),
                _streak_words(home),
                "local_fire_department",
            ),
            KeyFigure(
                _("Solved in 7 days"),
                number(home.week_solved),
                _("Questions solved in the last 7 days, today included."),
                icon="calendar_view_week",
            ),
            KeyFigure(
                _("Completed"),
                _("{done} of {all}").format(done=number(total.completed), all=number(total.chapters)),
                _("Chapters with the status Completed, of all chapters of the syllabus."),
                _("{count} marked weak").format(count=number(total.weak)),
                "task_alt",
            ),
        ]
    )


def _subjects(home: Home) -> None:
    section(_("Your syllabus"), _("Chapters completed, by subject"))
    rings_row(
        Ring(subject.subject, subject.completed, subject.chapters, tone=index % 7 + 1)
        for index, subject in enumerate(home.summary.subjects)
    )


def _study_next(home: Home) -> None:
    section(_("Study next"), _study_rule())
    if not home.study_next:
        empty_state(
            "task_alt", _("Nothing left to suggest"), _("Every chapter that the exam asks is completed."), key="n"
        )
        return
    for place, one in enumerate(home.study_next, 1):
        with card(f"next-{place}"):
            chapter_link(one.chapter)
            st.html(_suggestion_html(one))


def _study_rule() -> str:
    return _("Share of the exam (recent years weigh more) × what you have left. A weak mark counts half as much again.")


def _suggestion_html(one: Suggestion) -> str:
    share = _("{share} of the exam").format(share=percent(one.exam_share, 1))
    about = f"{place_words(one.chapter)} · {share}"
    return (
        f'<p class="cp-why">{icon_html("lightbulb")}<span>{escape(one.reason)}</span></p>'
        f'<p class="cp-note">{escape(about)}</p>'
    )


def _continue(rows: Sequence[ChapterRow]) -> None:
    section(_("Go on with"), _("The last chapters you worked on"))
    if not rows:
        empty_state(
            "menu_book",
            _("You have not started yet"),
            _("Open a chapter, solve a few questions and enter them: it counts from the first one."),
            _("Choose a chapter"),
            key="start",
            page="chapters.py",
        )
        return
    for place, row in enumerate(rows, 1):
        with card(f"continue-{place}"):
            chapter_link(row.chapter)
            status = chip(row.own.status) if row.own else ""
            weak = chip("weak") if row.own and row.own.is_weak_chapter else ""
            st.html(f'<div class="cp-chips">{status}{weak}</div><p class="cp-note">{escape(solved_words(row))}</p>')


def _pace(home: Home) -> None:
    section(_("Your pace"))
    with card("pace"):
        st.html(f'<p class="cp-pace">{icon_html("speed")}<span>{escape(home.pace.sentence)}</span></p>')
        completed = ngettext(
            "{count} chapter completed in the last 4 weeks",
            "{count} chapters completed in the last 4 weeks",
            home.pace.completed_in_28_days,
        ).format(count=number(home.pace.completed_in_28_days))
        left = ngettext("{count} left", "{count} left", home.pace.chapters_left).format(
            count=number(home.pace.chapters_left)
        )
        st.caption(f"{completed} · {left}")


def _days(count: int) -> str:
    return ngettext("{count} day", "{count} days", count).format(count=number(count))


def _to_go(count: int) -> str:
    return ngettext("{count} to go", "{count} to go", count).format(count=number(count))


def _streak_words(home: Home) -> str:
    streak = home.summary.streak
    if streak.is_today_done:
        return _("Today counts")
    if streak.current:
        return _("Yesterday forgiven") if streak.froze else _("Today goes on")
    return _("Starts today")
