"""The shared parts: escaping, words beside colours, real tables, and controls that answer once."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets import charts as widget_charts
from pages.widgets import elements, marks, style
from pages.widgets import tables as widget_tables
from tests.pages.key_figures import key_figures

ROOT = Path(__file__).resolve().parents[3]
ATTACK = "<img src=x onerror=alert(1)>"
LINK = "[x](javascript:alert(1))"


def html_of(draw: Callable[[], object]) -> str:
    """All HTML that a function of this module draws in a real script run."""
    run = AppTest.from_function(draw).run()
    assert not run.exception
    return "\n".join(str(element.proto.body) for element in run.get("html"))


def test_text_from_people_is_escaped_in_every_html_part() -> None:
    """No part lets a tag through, in content or in attributes."""
    twin = widget_tables.Twin(ATTACK, [ATTACK], [[ATTACK], [widget_tables.Cell(ATTACK, note=ATTACK, kind="weak")]])
    shown = [
        style.chip("weak", ATTACK),
        style.icon_html(ATTACK),
        elements.person_html(ATTACK, ATTACK),
        elements.year_strip_html({2025: 3}, ATTACK),
        widget_tables.table_html(twin),
        widget_charts.calendar_html({}, date(2026, 1, 1), date(2026, 1, 3), ATTACK + '"', words=lambda _count: ATTACK),
    ]
    for part in shown:
        assert "<img" not in part
        assert "&lt;img" in part or "img" not in part
    assert 'aria-label="&lt;img src=x onerror=alert(1)&gt;&quot;"' in shown[-1]


def test_pages_escape_what_people_typed() -> None:
    """Headings, rings, notices and empty states show a tag as text."""

    def page() -> None:
        from pages.widgets import elements as parts  # AppTest runs the source of this function alone

        attack = "<img src=x onerror=alert(1)>"
        parts.page_header(attack, attack, "home")
        parts.section(attack, attack)
        parts.rings_row([parts.Ring(attack, 1, 2)])
        parts.notice_saved(attack)
        parts.empty_state("home", attack, attack)

    shown = html_of(page)
    assert "<img" not in shown
    assert shown.count("&lt;img src=x onerror=alert(1)&gt;") == 8


@pytest.mark.parametrize(
    ("typed", "safe"),
    [
        (LINK, r"\[x\](javascript:" + "\u2060alert(1))"),
        (ATTACK, r"\<img src=x onerror=alert(1)\>"),
        ("*a* _b_ `c` $d$ ~e~", r"\*a\* \_b\_ \`c\` \$d\$ \~e\~"),
        ("# Top", r"\# Top"),
        ("1. First", r"1\. First"),
        ("- item", r"\- item"),
        (":material/home:", ":\u2060material/home:"),
        (":red[x]", ":\u2060red" + r"\[x\]"),
        ("two\nlines", "two lines"),
        ("https://a.example", "https:\u2060//a.example"),
        ("www.a.example", "www\u2060.a.example"),
        ("a@b.example", "a\u2060@b.example"),
        ("Motion in 1D (11)", "Motion in 1D (11)"),
        ("Saved 14:02", "Saved 14:02"),
        ("R&D", r"R\&D"),
    ],
)
def test_plain_text_stays_plain_in_labels(typed: str, safe: str) -> None:
    """Markdown, HTML, directives, icons and bare addresses are defused; ordinary names are left alone."""
    assert style.plain(typed) == safe


@pytest.mark.parametrize("kind", list(marks.MARKS))
def test_a_state_is_icon_and_word(kind: str) -> None:
    """Every state shows an icon and a word, in HTML and in labels: never a colour alone."""
    look = marks.mark(kind)
    assert marks.tone(kind) == look.tone
    assert look.icon
    assert look.word
    assert look.icon in style.chip(kind)
    assert f"<span>{look.word}</span>" in style.chip(kind)
    assert style.chip_label(kind) == f":material/{look.icon}: {look.word}"
    assert style.chip_text(kind) == look.word


def test_an_unforeseen_state_says_its_own_name() -> None:
    """A state that the look does not know is shown by its name, not hidden."""
    assert marks.mark("Paused") == marks.Mark("help", "Paused", "gray")
    assert marks.tone("Paused") == "gray"


@pytest.mark.parametrize(
    ("done", "total", "words"),
    [
        (12, 45, "12 of 45 done, 33 left"),
        (0, 45, "0 of 45 done, 45 left"),
        (45, 45, "All 45 done"),
        (0, 0, "Nothing to do here yet"),
    ],
)
def test_a_ring_says_its_share_in_words(done: int, total: int, words: str) -> None:
    """The words under a ring carry the fact; the drawing is decoration."""
    assert elements.ring_text(done, total) == words
    shown = elements._ring_html(elements.Ring("Physics", done, total))
    assert words in shown
    assert 'class="cp-ring-dial" aria-hidden="true"' in shown


def test_a_twin_is_a_real_table() -> None:
    """A twin has a caption, scoped column headings, a heading per row, and numbers aligned right."""
    twin = widget_tables.Twin(
        "By year", ["Year", widget_tables.Column("Questions", numeric=True)], [["2024", 1234], ["2025", None]]
    )
    shown = widget_tables.table_html(twin)
    assert "<caption>By year</caption>" in shown
    assert shown.count('<th scope="col"') == 2
    assert '<th scope="row">2024</th><td class="cp-number">1,234</td>' in shown
    assert '<th scope="row">2025</th><td class="cp-number">–</td>' in shown


def test_rules_of_columns_need_no_pointer() -> None:
    """What a column's heading says when it is pointed at stands in words under the table too; no rule, no words."""
    column = widget_tables.Column("Solved", numeric=True, rule="Questions solved <in all>.")
    drawn = widget_tables.table_html(widget_tables.Twin("Table", ["Name", column], [["Asha", 3]]))
    assert "<dt>Solved</dt><dd>Questions solved &lt;in all&gt;.</dd>" in drawn
    assert "<details" not in widget_tables.table_html(widget_tables.Twin("Table", ["Name"], [["Asha"]]))


def test_an_empty_table_says_so() -> None:
    """A table without rows says that there is no data."""
    assert "No data yet" in widget_tables.table_html(widget_tables.Twin("By year", ["Year"], []))


def test_no_data_differs_from_zero() -> None:
    """A missing figure reads "–" and "No data yet"; a zero reads 0."""

    def page() -> None:
        from pages.widgets import elements as parts  # AppTest runs the source of this function alone

        parts.metric_row([parts.KeyFigure("Solved", "0"), parts.KeyFigure("Average", None)])

    zero, missing = key_figures(AppTest.from_function(page).run()).values()
    assert (zero.value, zero.change) == ("0", "")
    assert (missing.value, missing.change) == ("–", "No data yet")


def test_a_key_figure_says_its_rule_by_touch_and_keyboard() -> None:
    """The rule unfolds from a summary with a name of its own; text from people stays text."""
    html = elements.figures_html([elements.KeyFigure("<b>Solved</b>", "0", 'Counted "so".')])
    assert '<summary title="Counted &quot;so&quot;." aria-label="What this means: &lt;b&gt;Solved&lt;/b&gt;">' in html
    assert "<p>Counted &quot;so&quot;.</p></details>" in html
    assert "<b>" not in html


def test_a_chart_comes_with_its_description_and_its_table() -> None:
    """chart() draws the figure, a sentence, and the same facts as a table; the figure has an accessible name."""

    def page() -> None:
        from pages.widgets import (
            charts,  # AppTest runs the source of this function alone
            tables,
        )

        twin = tables.Twin("Questions by year", ["Year", "Questions"], [["2025", 3]])
        charts.chart(charts.bars_by_year(((2025, 3),), "Questions"), "Three in 2025.", twin, key="years")

    run = AppTest.from_function(page).run()
    assert not run.exception
    assert [each.value for each in run.html] == [
        '<div class="cp-parts cp-said"><p class="cp-note">Three in 2025.</p></div>'
    ]
    assert run.get("plotly_chart")[0].proto.alt == "Questions by year"
    run.session_state["twin-years"] = True
    assert any("<caption>Questions by year</caption>" in each.value for each in run.run().html)


def test_figures_are_drawn_once_per_value() -> None:
    """The same values give the same figure; another value gives another."""
    counts = ((2024, 1), (2025, 2))
    assert widget_charts.bars_by_year(counts, "Questions") is widget_charts.bars_by_year(counts, "Questions")
    assert widget_charts.bars_by_year(counts, "Questions") is not widget_charts.bars_by_year(counts[:1], "Questions")


def test_a_calendar_shows_every_day_once() -> None:
    """Each day of the span has one cell that says its count; days outside it have none."""
    shown = widget_charts.calendar_html({date(2026, 2, 3): 5}, date(2026, 2, 1), date(2026, 2, 28), "Study days")
    assert shown.count("title=") == 28
    assert 'class="cp-heat-4" title="03-Feb-2026: 5"' in shown or 'class="cp-heat-4" title="3 Feb 2026: 5"' in shown


@pytest.mark.parametrize(("count", "level"), [(0, 0), (1, 1), (25, 1), (26, 2), (75, 3), (76, 4), (100, 4)])
def test_calendar_levels_are_quarters_of_the_busiest_day(count: int, level: int) -> None:
    """Nothing is level 0, the busiest day is level 4, and one question is never nothing."""
    assert widget_charts._level(count, 100) == level


def test_a_pager_says_where_it_is_and_survives_a_shorter_list() -> None:
    """The pager prints "26–50 of 101"; when the list shrinks it falls back to the last page."""

    def page() -> None:
        import streamlit as st  # AppTest runs the source of this function alone

        from pages.widgets import elements as parts

        st.session_state.page = parts.pager(st.session_state.get("total", 101), 25, "pages")

    run = AppTest.from_function(page).run()
    for total, page_number, words in ((101, 2, "26–50 of 101"), (101, 5, "101–101 of 101"), (60, 3, "51–60 of 60")):
        run.session_state["total"] = total
        run.session_state["pages"] = min(5, page_number) if total == 101 else 5
        run.run()
        assert not run.exception
        assert run.session_state["page"] == page_number
        assert words in run.get("html")[0].proto.body


def test_undo_and_actions_answer_once() -> None:
    """Undo is a button that is true in the run of its click alone, and so is an empty state's action."""

    def page() -> None:
        import streamlit as st  # AppTest runs the source of this function alone

        from pages.widgets import elements as parts

        undone = parts.notice_saved("Saved 14:02", "undo")
        acted = parts.empty_state("home", "Nothing", "Add one.", "Add")
        st.session_state.seen = (undone, acted)

    run = AppTest.from_function(page).run()
    assert run.session_state["seen"] == (False, False)
    run.button(key="undo").click().run()
    assert run.session_state["seen"] == (True, False)
    run.button(key="empty-action").click().run()
    assert run.session_state["seen"] == (False, True)


def test_a_dialog_asks_and_is_believed_once() -> None:
    """confirmed() is true in the run after "yes", and false in the next."""

    def page() -> None:
        import streamlit as st  # AppTest runs the source of this function alone

        from pages.widgets import elements as parts

        if st.button("Archive", key="start"):
            parts.ask("archive", "Archive?", "Progress is kept.", "Archive")
        st.session_state.agreed = parts.confirmed("archive")

    run = AppTest.from_function(page).run()
    seen: list[object] = []
    for press in ("start", "archive-yes", None):
        if press:
            run.button(key=press).click()
        seen.append(run.run().session_state["agreed"])
    assert seen == [False, True, False]


def test_a_sortable_table_is_drawn_from_plain_values() -> None:
    """The sortable table sends words, sort keys and marks as data; nothing in it is HTML."""
    cell = widget_tables._cell_data(widget_tables.Cell("Watch", 1, kind="watch"))
    assert cell == {"text": "Watch", "sort": 1, "icon": "visibility", "tone": "orange"}
    assert widget_tables._cell_data("Asha") == "Asha"
    assert widget_tables._cell_data(None) == {"text": "–", "sort": None}
    assert widget_tables._cell_data(1234) == {"text": "1,234", "sort": 1234}
    script = (style.ASSETS / "table.js").read_text("utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", script)


def test_a_sortable_table_mounts_in_a_page() -> None:
    """data_table() draws without error and reports no opened row until one is opened."""

    def page() -> None:
        import streamlit as st  # AppTest runs the source of this function alone

        from pages.widgets import tables

        rows = [tables.Row("a", ["Asha", 3])]
        st.session_state.opened = tables.data_table("Learners", ["Name", "Solved"], rows, key="learners")

    run = AppTest.from_function(page).run()
    assert not run.exception
    assert run.session_state["opened"] is None


def test_as_of_speaks_the_time_of_the_zone() -> None:
    """The caption prints hours, minutes and seconds in the reader's zone."""

    def page() -> None:
        from datetime import UTC, datetime  # AppTest runs the source of this function alone

        from pages.widgets import elements as parts

        parts.as_of(datetime(2026, 11, 22, 8, 32, 5, tzinfo=UTC), "Asia/Kolkata")

    assert re.search(r"As of 2:02:05", html_of(page))


def test_initials_are_at_most_two() -> None:
    """An avatar holds one or two letters, and a mark where there is no name."""
    assert ">AV<" in elements.avatar_html("Asha Verma Rao")
    assert ">?<" in elements.avatar_html(" ")


def test_no_field_drops_a_long_paste() -> None:
    """Streamlit takes nothing of a text above max_chars and says nothing: services refuse it in words instead."""
    limited = [file.relative_to(ROOT) for file in (ROOT / "pages").rglob("*.py") if "max_chars" in file.read_text()]
    assert limited == [Path("pages/shell/idempotency.py")]  # the key that drafts.js fills in
