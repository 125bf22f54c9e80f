"""The look: readable colours in light and dark, fonts of ours, no outside host, settings that keep it so."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from streamlit.material_icon_names import ALL_MATERIAL_ICONS
from streamlit.testing.v1 import AppTest

from pages.widgets import marks, style

ROOT = Path(__file__).resolve().parents[3]
CONFIG: dict[str, Any] = tomllib.loads((ROOT / ".streamlit/config.toml").read_text("utf-8"))
LOOK_FILES = [
    ROOT / ".streamlit/config.toml",
    *(ROOT / "pages").rglob("*.py"),
    *(ROOT / "pages/assets").glob("*.css"),
    *(ROOT / "pages/assets").glob("*.js"),
    *(ROOT / "pages/assets").glob("*.svg"),
]
READABLE = 4.5  # WCAG 2.1 AA, text of usual size
DISTINCT = 3.0  # WCAG 2.1 AA, graphics


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.1, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_colours_are_readable_on_every_paper(mode: str) -> None:
    """Text, links, accents and every coloured word reach 4.5:1 on the page and on widgets."""
    theme = CONFIG["theme"][mode]
    texts = [theme["textColor"], theme["linkColor"], theme["primaryColor"]]
    texts += [colour for name, colour in theme.items() if name.endswith("TextColor")]
    for paper in (theme["backgroundColor"], theme["secondaryBackgroundColor"]):
        assert [text for text in texts if contrast(text, paper) < READABLE] == []


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_coloured_words_are_readable_on_their_own_wash(mode: str) -> None:
    """A red word on a red wash, and so on, reaches 4.5:1."""
    theme = CONFIG["theme"][mode]
    names = [name.removesuffix("TextColor") for name in theme if name.endswith("TextColor")]
    assert len(names) == 7
    for name in names:
        assert contrast(theme[f"{name}TextColor"], theme[f"{name}BackgroundColor"]) >= READABLE, name


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_sidebar_is_readable(mode: str) -> None:
    """Every text colour of the green board reaches 4.5:1 on it."""
    board = CONFIG["theme"][mode]["sidebar"]
    for paper in (board["backgroundColor"], board["secondaryBackgroundColor"]):
        for text in ("textColor", "linkColor", "primaryColor", "grayTextColor"):
            assert contrast(board[text], paper) >= READABLE, text


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_chart_colours_are_ten_and_stand_out(mode: str) -> None:
    """Ten colours of each kind (Streamlit ignores fewer), the categorical ones at 3:1 on the page."""
    theme = CONFIG["theme"][mode]
    assert len(theme["chartSequentialColors"]) == 10
    assert len(set(theme["chartCategoricalColors"])) == 10
    for colour in theme["chartCategoricalColors"]:
        assert contrast(colour, theme["backgroundColor"]) >= DISTINCT, colour


@pytest.mark.parametrize("place", [0, 1], ids=["light", "dark"])
def test_the_style_sheet_is_readable_in_both_modes(place: int) -> None:
    """The sheet's own words reach 4.5:1 on its papers and washes."""
    pairs = re.findall(r"--cp-([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", (style.ASSETS / "style.css").read_text())
    colour = {name: both[place] for name, *both in pairs}
    for paper in ("paper", "raised", "sunk"):
        assert all(contrast(colour[text], colour[paper]) >= READABLE for text in ("ink", "quiet", "accent"))
    for tone in ("red", "orange", "blue", "green", "gray"):
        assert contrast(colour[tone], colour[f"{tone}-wash"]) >= READABLE, tone
    assert contrast(colour["on-accent"], colour["accent"]) >= READABLE


def test_the_style_sheet_and_the_theme_agree() -> None:
    """The sheet repeats the theme's papers and inks exactly, so that parts and widgets match."""
    sheet = (style.ASSETS / "style.css").read_text()
    light, dark = CONFIG["theme"]["light"], CONFIG["theme"]["dark"]
    names = {"ink": "textColor", "paper": "backgroundColor", "sunk": "secondaryBackgroundColor"}
    names |= {"line": "borderColor", "accent": "primaryColor", "red": "redTextColor", "green": "greenTextColor"}
    for mine, theirs in names.items():
        assert f"--cp-{mine}: light-dark({light[theirs].lower()}, {dark[theirs].lower()})" in sheet, mine


def test_nothing_asks_another_host() -> None:
    """No address of another host stands in the settings, the parts or their files (XML namespaces aside)."""
    for file in LOOK_FILES:
        words = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        words = words.replace("http://localhost", "")  # of this machine
        assert not re.search(r"https?://|url\(\s*[\"']?//", words), file.name


def test_fonts_are_ours_small_and_licensed() -> None:
    """Each font of the theme lies in pages/assets with its licence, under 400 KB in all."""
    faces = CONFIG["theme"]["fontFaces"]
    files = [style.ASSETS / face["url"].removeprefix("/assets/") for face in faces]
    assert all(face["url"].startswith("/assets/") for face in faces)
    assert sum(file.stat().st_size for file in files) < 400_000
    assert {file.name.split("-latin")[0] for file in files} == {
        file.name.removesuffix("-LICENSE.txt") for file in style.ASSETS.glob("*-LICENSE.txt")
    }


def test_the_server_is_set_for_cheap_reruns_and_privacy() -> None:
    """No full garbage collection after a run, no file watcher, no usage statistics, no error details."""
    assert CONFIG["runner"]["postScriptGC"] is False
    assert CONFIG["server"]["fileWatcherType"] == "none"
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["client"]["showErrorDetails"] == "none"
    assert CONFIG["client"]["showErrorLinks"] is False


def test_the_sheet_is_loaded_by_version() -> None:
    """style() imports the sheet from this server, under a name that changes with its content."""

    def page() -> None:
        from pages.widgets import elements as parts  # noqa: PLC0415  (AppTest runs the source of this function alone)

        parts.style()

    shown = [str(element.proto.body) for element in AppTest.from_function(page).run()._tree[2].get("html")]
    assert style.asset("style.css") in shown[0]


def test_icons_exist_in_the_bundled_set() -> None:
    """Each icon of the marks is one that Streamlit ships; another would show as a bare word."""
    assert {look[0] for look in marks.MARKS.values()} <= set(ALL_MATERIAL_ICONS)
