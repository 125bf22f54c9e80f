"""What the README says is true: its table of settings is the code's."""

import re
from pathlib import Path

from backend.config import Settings

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_the_table_of_settings_is_the_code() -> None:
    """Every variable, its default and its meaning stand in the README as in backend/config.py."""
    found = re.search(r"<!-- settings -->\n(.*?)<!-- /settings -->", README, re.DOTALL)
    assert found
    _head, _line, *rows = found[1].strip().splitlines()
    said = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows]
    assert said == [
        (f"`{name.upper()}`", "none" if field.default in (None, "") else f"`{field.default}`", field.description)
        for name, field in Settings.model_fields.items()
    ]


def test_every_file_the_documents_point_to_exists() -> None:
    """No link or picture of the README, CONTRIBUTING or docs/ leads nowhere."""
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    broken += [
        f"{page.relative_to(ROOT)}: {path}"
        for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
        for path in re.findall(r"`((?:backend|pages|tests|docs|scripts)/[\w./-]+)`", page.read_text())
        if not path.endswith(".mo") and not (ROOT / path).exists()
    ]
    assert broken == []


def test_every_make_command_that_is_named_exists() -> None:
    """`make …` in the documents is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [README, (ROOT / "CONTRIBUTING.md").read_text()]
    named = {word for page in pages for line in re.findall(r"`?make ([a-z ]+)", page) for word in line.split()[:1]}
    assert {name for name in named if name in targets} >= {"run", "test", "demo", "help"}
    assert set(re.findall(r"`make ([a-z]+)`", "".join(pages))) <= targets


def test_the_rerun_settings_are_in_force() -> None:
    """Losing either option makes every click several times dearer (docs/decisions/0007)."""
    text = (ROOT / ".streamlit" / "config.toml").read_text()
    assert re.search(r"^postScriptGC = false$", text, re.MULTILINE)
    assert re.search(r'^fileWatcherType = "none"$', text, re.MULTILINE)
    assert re.search(r"^gatherUsageStats = false$", text, re.MULTILINE)
