"""What docs/security.md says is shown is shown: each named test exists. And rules that hold over all of the source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from time import thread_time

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONG, SEARCHED = 20_000, 2_000
FEEDS = ("a", " ", "\t", "=", "@", "a@", "a.", "1", "-", "'", "{", "<a", "é", "\u200d", "::", "0.")
SECONDS = 10.0  # a pattern that backtracks over so many characters takes hours
DOCUMENT = (ROOT / "docs" / "security.md").read_text()


def test_every_named_test_exists() -> None:
    """No line of the table points to a test that is not there."""
    missing = []
    for path, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", DOCUMENT):
        file = ROOT / path
        if not file.exists() or (name and not re.search(rf"^(?:async )?def {name}\(", file.read_text(), re.MULTILINE)):
            missing.append(f"{path}::{name}")
    assert missing == []


def test_every_line_names_a_test_or_a_reason() -> None:
    """A requirement without either would be a promise."""
    rows = [line for line in DOCUMENT.splitlines() if line.startswith("| ") and not line.startswith("| requirement")]
    assert len(rows) > 60
    assert [row for row in rows if len(row.strip("| ").split("|")[1].strip()) < 15] == []


def patterns() -> Iterator[tuple[str, str]]:
    """Every literal regular expression in the source, with where it stands."""
    for file in sorted([*(ROOT / "backend").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.") and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", first.value


@pytest.mark.parametrize(("_place", "pattern"), sorted(set(patterns())))
def test_no_pattern_takes_long(_place: str, pattern: str) -> None:
    """No regular expression of ours takes more than moments over a long text that nearly fits it."""
    compiled, started = re.compile(pattern), thread_time()
    for feed in FEEDS:
        text = feed * (LONG // len(feed)) + "\0"
        compiled.match(text)
        compiled.fullmatch(text)
        compiled.search(text[-SEARCHED:])  # from every place: that alone is its length squared
        assert thread_time() - started < SECONDS


def test_no_address_from_a_request_is_gone_to() -> None:
    """Where a page leads after signing in or out is written in the source, never taken from the address or a form."""
    found = []
    for file in (ROOT / "pages").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("welcome", "sign_in", "sign_out")):
                found += [(file.name, each.value) for each in node.keywords if each.arg == "to"]
    for name, value in found:
        is_passed_on = name == "session.py" and ast.unparse(value) == "to"
        assert is_passed_on or (isinstance(value, ast.Constant) and str(value.value) in ("", "/")), name
    assert len(found) > 2
