"""Every word a person reads goes through gettext, and the template of the catalogues is complete."""

import ast
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from backend.kit import i18n

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = i18n.CATALOGUES / "messages.pot"
METHODS = [("backend/**.py", "python"), ("pages/**.py", "python"), ("app.py", "python")]
# Calls whose first argument a person reads.
SHOWN = {
    "button", "caption", "checkbox", "date_input", "download_button", "error", "expander",
    "file_uploader", "form_submit_button", "header", "info", "multiselect", "number_input", "page_header",
    "pills", "radio", "section", "segmented_control", "selectbox", "subheader", "success", "text", "text_area",
    "text_input", "title", "toggle", "warning", "Invalid", "Conflict", "NotFound", "NotAllowed", "NotSignedIn",
    "Unavailable", "TooLarge", "RateLimited", "ConfirmationNeeded", "KeyFigure", "Column",
}  # fmt: skip


def sources() -> Iterator[Path]:
    yield ROOT / "app.py"
    for folder in ("backend", "pages"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def extracted() -> set[str | tuple[str, ...]]:
    """Every message of the product, as the template should have it."""
    found: set[str | tuple[str, ...]] = set()
    for _name, _line, message, _comments, _context in extract_from_dir(ROOT, METHODS, {}, directory_filter=_ours):
        found.add(message)
    return found


def _ours(folder: str | object) -> bool:
    name = Path(str(folder)).name
    return not name.startswith(".") and name not in {"data", "tests", "node_modules", "test-results"}


def test_the_template_has_every_message() -> None:
    """backend/locale/messages.pot is what `make words` would write today."""
    template = read_po(io.BytesIO(TEMPLATE.read_bytes()))
    written = {message.id if isinstance(message.id, str) else tuple(message.id) for message in template if message.id}
    assert extracted() - written == set(), "new words: run `make words`"
    assert written - extracted() == set(), "words that nobody says any more: run `make words`"


def test_no_shown_text_is_a_bare_literal() -> None:
    """Labels, headings and error sentences are translated: none is a plain string in the code."""
    bare = [
        f"{path.relative_to(ROOT)}:{call.lineno} {call.args[0].value!r}"
        for path in sources()
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and call.args
        and (isinstance(call.func, ast.Name) or (path.parent.name == "pages" and not _is_log(call)))
        and _called(call) in SHOWN
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
        and any(character.isalpha() for character in call.args[0].value)
    ]
    assert bare == []


def test_no_message_is_put_together_before_it_is_translated() -> None:
    """`_(f"…")` would look up a text that no catalogue has: placeholders are filled after the translation."""
    wrong = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in sources()
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and _called(call) in {"_", "ngettext"}
        and path.name != "i18n.py"
        and not all(isinstance(argument, ast.Constant) for argument in call.args[: 1 if _called(call) == "_" else 2])
    ]
    assert wrong == []


def test_another_language_needs_a_catalogue_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a compiled catalogue in the folder, the product speaks it, plural forms included."""
    catalogue = Catalog(locale="hi")
    catalogue.add("Sign in", "साइन इन")
    catalogue.add(("{count} day", "{count} days"), ("{count} दिन", "{count} दिन"))
    folder = tmp_path / "hi" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    (folder / "messages.mo").write_bytes(compiled.getvalue())
    monkeypatch.setattr(i18n, "CATALOGUES", tmp_path)
    before = i18n.current_locale()
    i18n.use_locale("hi_IN")
    i18n._catalogue.cache_clear()
    try:
        assert i18n._("Sign in") == "साइन इन"
        assert i18n.ngettext("{count} day", "{count} days", 3).format(count=i18n.number(3)) == "3 दिन"
    finally:
        i18n.use_locale(before)
        i18n._catalogue.cache_clear()


def _is_log(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "_log"


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
