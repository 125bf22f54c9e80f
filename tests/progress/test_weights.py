"""What is remembered of catalogues: the weights of those that are asked for, and none that were replaced."""

import gc

from backend.chapters.models import Chapter
from backend.progress import weights
from tests.progress.builders import chapter


def is_held(name: str) -> bool:
    """Whether the chapter of this name is still in memory."""
    return any(type(each) is Chapter and each.chapter == name for each in gc.get_objects())


def test_a_replaced_catalogue_is_let_go() -> None:
    """A minute after it was asked for last, a catalogue leaves the memory with the next that is read anew."""
    weights.of([chapter("Replaced", y2025=3)], now=lambda: 0.0)
    weights.of([chapter("Young", y2025=3)], now=lambda: weights.KEPT_SECONDS - 1)
    assert is_held("Replaced")
    weights.of([chapter("Newest", y2025=3)], now=lambda: weights.KEPT_SECONDS + 1)
    gc.collect()
    assert not is_held("Replaced")
    assert is_held("Young")


def test_the_same_chapters_are_weighed_once() -> None:
    """Whoever asks for the same chapters again is given the same weights."""
    chapters = [chapter("Twice", y2025=3)]
    assert weights.of(chapters) is weights.of(tuple(chapters))
