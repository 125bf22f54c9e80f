"""Values held by version: read once for each version, again where it moved, and no more of them than is allowed."""

from collections.abc import Sequence

from backend.kit.cache.versioned_memo import VersionedMemo


class Source:
    """Counts up with every reading, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def read(self, keys: Sequence[str]) -> dict[str, str]:
        self.asked.append(list(keys))
        return {key: f"{key}{len(self.asked)}" for key in keys}


def test_only_what_moved_is_read_again() -> None:
    """Equal versions cost no reading; another version, newer or older, costs that one key."""
    source = Source()
    held = VersionedMemo[int, str](source.read, most=10)
    assert held.get({"a": 1, "b": 1}) == {"a": "a1", "b": "b1"}
    assert held.get({"a": 1, "b": 1}) == {"a": "a1", "b": "b1"}
    assert held.get({"a": 1, "b": 2}) == {"a": "a1", "b": "b2"}
    assert held.get({"b": 1}) == {"b": "b3"}
    assert source.asked == [["a", "b"], ["b"], ["b"]]


def test_those_least_asked_for_leave() -> None:
    """Beyond the limit the value that was not asked for the longest is read anew; answers are whole all the same."""
    source = Source()
    held = VersionedMemo[int, str](source.read, most=2)
    held.get({"a": 1})
    held.get({"b": 1})
    held.get({"a": 1})
    held.get({"c": 1})
    held.get({"a": 1})
    assert source.asked == [["a"], ["b"], ["c"]]
    assert set(held.get({"a": 1, "b": 1, "c": 1})) == {"a", "b", "c"}
