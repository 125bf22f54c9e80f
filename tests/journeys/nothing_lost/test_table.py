"""No form and no field escapes the proof: the sources are walked, and each is in a table."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.journeys.nothing_lost.table import FORMS, KEPT, SECRETS, VIEWS

PAGES = Path(__file__).resolve().parents[3] / "pages"
WIDGETS = frozenset(
    {"form", "form_card", "text_input", "text_area", "number_input", "number_field", "date_input", "time_input",
     "datetime_input", "selectbox", "multiselect", "radio", "checkbox", "toggle", "segmented_control", "pills",
     "slider", "select_slider", "file_uploader", "data_editor", "chat_input", "color_picker", "feedback",
     "camera_input", "audio_input"}
)  # fmt: skip
# These draw a field for the functions that call them.
SHARED = frozenset({"widgets/number_field.py:number_field", "accounts/profile_forms.py:form_card"})


def _functions(tree: ast.AST, name: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Each call with the name of the outermost function around it; "" at the top of a module."""
    for node in ast.iter_child_nodes(tree):
        inner = name or (node.name if isinstance(node, ast.FunctionDef) else "")
        if isinstance(node, ast.Call):
            yield inner, node.func
        yield from _functions(node, inner)


def drawn() -> set[str]:
    """Every function of the pages that draws a form or something to fill in, as `folder/file.py:function`."""
    found = set()
    for file in PAGES.rglob("*.py"):
        for function, called in _functions(ast.parse(file.read_text("utf-8"))):
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in WIDGETS:
                found.add(f"{file.relative_to(PAGES).as_posix()}:{function}")
    return found - SHARED


def test_every_form_and_field_is_in_a_table() -> None:
    """A new form or field fails here until it is tried, or named with the reason why nothing of it can be lost."""
    parts = {part for form in (*FORMS, *KEPT) for part in (form.source, *form.parts)}
    tables = parts, SECRETS.keys(), VIEWS.keys()
    assert drawn() == set().union(*tables)
    assert sum(map(len, tables)) == len(drawn())
