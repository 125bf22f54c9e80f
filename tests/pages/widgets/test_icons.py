"""The icon font that browsers load: Streamlit's own, cut down to what is named."""

from fontTools.ttLib import TTFont

from scripts.subset_icons import TARGET, ligatures, named, whole

LARGEST_BYTES = 40_000


def test_every_icon_that_is_named_is_in_the_font() -> None:
    """Neither a page nor a new Streamlit names an icon that would stand as a word; the cure is `make icons`."""
    in_whole, kept = ligatures(TTFont(whole())), ligatures(TTFont(TARGET))
    assert not named(in_whole) - kept.keys()
    assert {"login", "more_vert", "visibility_off"} <= kept.keys()
    assert TARGET.stat().st_size < LARGEST_BYTES
