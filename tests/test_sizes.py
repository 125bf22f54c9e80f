"""Nothing grows for ever: how long a module, and a function of the product, may be."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE_LINES = 400
FUNCTION_LINES = 60
BESIDE = ("bench", "deploy", "system_tests", "tests")


def test_no_module_is_longer_than_400_lines() -> None:
    """A module that has grown this far holds two nouns: the second one wants a file of its own."""
    paths = [*_sources(), *(path for folder in BESIDE for path in (ROOT / folder).rglob("*.py"))]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in paths}
    long = {path: lines for path, lines in lengths.items() if lines > MODULE_LINES}
    assert not long


def test_no_function_is_longer_than_60_lines() -> None:
    """A function of the product fits a screen, its docstring included."""
    long = [
        f"{path}:{node.lineno} {node.name} ({length} lines)"
        for path in _sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert not long


def _sources() -> list[Path]:
    found = [ROOT / "app.py", *(ROOT / "backend").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    assert len(found) > 100  # or the test looks in the wrong place
    return found
