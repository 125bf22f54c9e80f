"""The map of the syllabus: every bar has its name and its figures in words, whatever the catalogue holds."""

import re

from hypothesis import given
from hypothesis import strategies as st

from backend.progress.models import SyllabusNode
from pages.progress.syllabus_map import map_html
from pages.widgets.style import escape

names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=80)
BAR = re.compile(r"<span>(.*?)</span><small>(.*?)</small><i style=\"--cp-size:(.*?);--cp-share:(.*?)\"")


@st.composite
def syllabuses(draw: st.DrawFn) -> tuple[SyllabusNode, ...]:
    """Chapters with any names and counts."""
    return tuple(
        SyllabusNode(
            subject=draw(names),
            unit=draw(names),
            chapter=draw(names),
            chapter_id=str(number),
            questions=draw(st.integers(0, 500)),
            solved=draw(st.integers(0, 900)),
            status="In Progress",
            is_weak_chapter=False,
        )
        for number in range(draw(st.integers(0, 12)))
    )


@given(syllabuses())
def test_every_bar_is_named(nodes: tuple[SyllabusNode, ...]) -> None:
    """Each chapter that was asked and each unit with such a chapter has one bar, with its name, its figures and a
    length and a filling between nothing and the whole."""
    asked = [node for node in nodes if node.questions]
    html = map_html(nodes)
    bars = BAR.findall(html)
    assert html.count("<i ") == len(bars) == len(asked) + len({(node.subject, node.unit) for node in asked})
    assert all(name and words for name, words, _size, _share in bars)
    assert all(0 <= float(each) <= 1 for _name, _words, *both in bars for each in both)
    assert all(f'href="chapter?id={node.chapter_id}">{escape(node.chapter)}</a>' in html for node in asked)
