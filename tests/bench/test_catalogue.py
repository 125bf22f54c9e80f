"""The short form of what a change of the catalogue costs a big school."""

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from bench import catalogue


def test_large_changes_end_with_true_totals(backend: Backend, teacher: Viewer) -> None:
    """An import over several steps, its undo, and chapters archived and brought back: totals are what records give."""
    catalogue.seed(backend, 120)
    said: list[str] = []
    catalogue.run(backend, teacher, 450, said.append)
    assert len(backend.chapters.active()) == 101
    assert len(said) == 9
