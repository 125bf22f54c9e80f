"""Writes pages/assets/icons.woff2: Streamlit's icon font, cut down to the icons that its scripts and our pages name.

`make icons` runs it; tests/pages/widgets/test_icons.py fails where an icon is missing from the file.
"""

import re
from pathlib import Path

import streamlit as st
from fontTools import subset
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parents[1]
BUNDLE = Path(st.__file__).parent / "static" / "static"
TARGET = ROOT / "pages" / "assets" / "icons.woff2"
NAMED = re.compile(r"material/([a-z0-9_]+)")
STREAMLITS = re.compile(r"""["'`]([a-z0-9]+(?:_[a-z0-9]+)+)["'`]""")  # it puts "more_vert" after the prefix, too
OURS = re.compile(r"""["'`]([a-z0-9_]+)["'`]""")  # icons in HTML parts and in our scripts are bare names


def whole() -> Path:
    """The icon font of the installed Streamlit."""
    (font,) = (BUNDLE / "media").glob("MaterialSymbols-Rounded.*.woff2")
    return font


def named(glyphs: dict[str, str]) -> set[str]:
    """The icons, of those with `glyphs`, that Streamlit's scripts and this product name."""
    scripts = [file.read_text("utf-8") for file in (BUNDLE / "js").glob("*.js")]
    ours = [file.read_text("utf-8") for kind in ("**/*.py", "assets/*.js") for file in (ROOT / "pages").glob(kind)]
    names = {name for text in (*scripts, *ours) for name in NAMED.findall(text)}
    names |= {name for text in scripts for name in STREAMLITS.findall(text)}
    return (names | {name for text in ours for name in OURS.findall(text)}) & glyphs.keys()


def ligatures(font: TTFont) -> dict[str, str]:
    """The glyph of each icon's name: the font draws it where that name stands as text."""
    letters = {glyph: chr(code) for code, glyph in font.getBestCmap().items()}
    found = {}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            by_first = getattr(getattr(table, "ExtSubTable", table), "ligatures", {})
            for first, rest in by_first.items():
                for each in rest:
                    found["".join(letters.get(glyph, "?") for glyph in (first, *each.Component))] = each.LigGlyph
    return found


def main() -> None:
    """Write the file."""
    font = TTFont(whole())
    glyphs = ligatures(font)
    names = named(glyphs)
    options = subset.Options(flavor="woff2", layout_features=["*"], layout_closure=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(glyphs=[glyphs[name] for name in names], text="".join(names))
    subsetter.subset(font)
    font.flavor = "woff2"
    font.save(TARGET)
    print(f"{len(names)} of {len(glyphs)} icons, {TARGET.stat().st_size:,} bytes")  # noqa: T201 - for a person


if __name__ == "__main__":
    main()
