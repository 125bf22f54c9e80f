"""A student's first screen: rings, today, streak, what to go on with, what to study next and why."""

from collections.abc import Sequence

import streamlit as st

from backend.accounts.models import Viewer
from backend.chapters.models import Chapter
from backend.kit.i18n import _, day, ngettext, number, percent
from backend.progress.models import ChapterRow, Home, Suggestion
from pages.chapters.text import chapter_path, place_words, solved_words
from pages.shell import live_updates, services, session
from pages.shell.script_runs import refreshing
from pages.widgets.elements import (
    KeyFigure,
    Ring,
    empty_html,
    escape,
    figures_html,
    link_html,
    rings_html,
    section_html,
    title_html,
)
from pages.widgets.style import chip, icon_html
from pages.widgets.tables import rules_html


def draw(viewer: Viewer) -> None:
    """Home of a student."""
    _draw_all(viewer.name.split()[0])


@refreshing(live_updates.FALLBACK_SECONDS)
def _draw_all(first_name: str) -> None:
    """Few large elements: each costs a message, its hash and a place in the browser's tree at every run."""
    live_updates.listen(live_updates.ME, key="home")
    home = services.backend().overview.home(session.viewer("student"))
    title = _("Hello, {name}").format(name=first_name)
    link = ("chapters", _("All chapters"), "menu_book")
    head = title_html(title, _countdown(home), "waving_hand", link=link) + _first_steps(home) + _figures(home)
    right = _pace(home) + _continue(home.continue_with)
    next_and_now = f'<div class="cp-halves"><div>{_study_next(home)}</div><div>{right}</div></div>'
    st.html(f'<div class="cp-stack">{head}{next_and_now}{_subjects(home)}</div>')


def _countdown(home: Home) -> str:
    if home.exam_date is None:
        return _("What to do today, and what next.")
    if home.days_to_exam is None:
        return _("Your exam was on {day}.").format(day=day(home.exam_date))
    if home.days_to_exam == 0:
        return _("Your exam is today. All the best!")
    words = ngettext("{count} day to your exam on {day}", "{count} days to your exam on {day}", home.days_to_exam)
    return words.format(count=number(home.days_to_exam), day=day(home.exam_date))


def _first_steps(home: Home) -> str:
    """Return what to do first, for a student who has saved nothing yet."""
    if home.summary.last_activity_at is not None:
        return ""
    steps = (
        ("chapters", _("Mark what you have done"), _("Set the status of chapters, and the questions you have solved.")),
        ("settings", _("Set your goal and exam date"), _("Then this page shows your pace, and what to study next.")),
        ("leaderboard", _("Join the leaderboard, if you like"), _("You choose the name that others see.")),
    )
    rows = [
        f'<li><div><h3>{link_html(path, words)}</h3><p class="cp-note">{escape(why)}</p></div></li>'
        for path, words, why in steps
    ]
    return section_html(_("Your first three steps")) + _list_html(rows, "ol")


def _figures(home: Home) -> str:
    today, streak, total = max(0, home.today.solved), home.summary.streak, home.summary.total
    return figures_html(
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


def _subjects(home: Home) -> str:
    rings = (
        Ring(subject.subject, subject.completed, subject.chapters, tone=index % 7 + 1)
        for index, subject in enumerate(home.summary.subjects)
    )
    return section_html(_("Your syllabus"), _("Chapters completed, by subject")) + rings_html(rings)


def _study_next(home: Home) -> str:
    heading = section_html(_("Study next"), _study_rule())
    if not home.study_next:
        rest = _("Every chapter that the exam asks about is completed.")
        return heading + empty_html("task_alt", _("Nothing left to suggest"), rest)
    rule = _("Share of the exam (recent years weigh more) × what you have left. A weak mark counts half as much again.")
    why = rules_html(_("How this list is made"), [(_("Order"), rule)])
    return heading + _list_html([_row_html(one.chapter, _suggestion_html(one)) for one in home.study_next], "ol") + why


def _study_rule() -> str:
    return _("Often asked in the exam, and not done yet.")


def _suggestion_html(one: Suggestion) -> str:
    share = _("{share} of the exam").format(share=percent(one.exam_share, 1))
    about = f"{place_words(one.chapter)} · {share}"
    return (
        f'<p class="cp-why">{icon_html("lightbulb")}<span>{escape(one.reason)}</span></p>'
        f'<p class="cp-note">{escape(about)}</p>'
    )


def _list_html(rows: Sequence[str], kind: str = "ul") -> str:
    return f'<{kind} class="cp-steps">{"".join(rows)}</{kind}>'


def _row_html(chapter: Chapter, inside: str) -> str:
    link = link_html(chapter_path(chapter), chapter.chapter)
    return f"<li><div><h3>{link}</h3>{inside}</div></li>"


def _continue(rows: Sequence[ChapterRow]) -> str:
    heading = section_html(_("Continue with"), _("The last chapters you worked on"))
    if not rows:
        rest = _("Open a chapter, solve a few questions and enter them: it counts from the first one.")
        way = link_html("chapters", _("Choose a chapter"), "arrow_forward")
        return heading + empty_html("menu_book", _("You have not started yet"), rest, way)
    return heading + _list_html([_row_html(row.chapter, _own_html(row)) for row in rows])


def _own_html(row: ChapterRow) -> str:
    status = chip(row.own.status) if row.own else ""
    weak = chip("weak") if row.own and row.own.is_weak_chapter else ""
    return f'<p class="cp-own">{status}{weak}<span class="cp-note">{escape(solved_words(row))}</span></p>'


def _pace(home: Home) -> str:
    completed = ngettext(
        "{count} chapter completed in the last 4 weeks",
        "{count} chapters completed in the last 4 weeks",
        home.pace.completed_in_28_days,
    ).format(count=number(home.pace.completed_in_28_days))
    left = ngettext("{count} left", "{count} left", home.pace.chapters_left).format(
        count=number(home.pace.chapters_left)
    )
    way = "" if home.exam_date else link_html("settings", _("Set your exam date"), "event")
    return (
        f'{section_html(_("Your pace"))}<article class="cp-card"><p class="cp-pace">{icon_html("speed")}'
        f'<span>{escape(home.pace.sentence)}</span></p><p class="cp-note">{escape(completed)} · {escape(left)}</p>'
        f"{way}</article>"
    )


def _days(count: int) -> str:
    return ngettext("{count} day", "{count} days", count).format(count=number(count))


def _to_go(count: int) -> str:
    return ngettext("{count} to go", "{count} to go", count).format(count=number(count))


def _streak_words(home: Home) -> str:
    streak = home.summary.streak
    if streak.is_today_done:
        return _("Today counts")
    if streak.current:
        return _("Yesterday is forgiven") if streak.froze else _("Add to it today")
    return _("Begin it today")
