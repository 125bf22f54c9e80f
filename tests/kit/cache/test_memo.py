"""Values kept beside what they were made from: made once for it, anew when it has changed, and not too many."""

from backend.kit.cache.memo import Memo


def test_a_value_is_made_once_for_what_it_follows_from() -> None:
    """An equal source gives the kept value back; another one makes it anew, and the former source as well."""
    kept, made = Memo[int](most=5), list[int]()

    def make() -> int:
        made.append(1)
        return len(made)

    assert [kept.get("a", source, make) for source in ((1, "x"), (1, "x"), (2, "x"), (1, "x"))] == [1, 1, 2, 3]


def test_keys_do_not_know_of_each_other() -> None:
    """Two values from equal sources are two values."""
    kept = Memo[str](most=5)
    assert kept.get("a", 1, lambda: "for a") == "for a"
    assert kept.get("b", 1, lambda: "for b") == "for b"
    assert kept.get("a", 1, lambda: "never made") == "for a"


def test_no_more_are_kept_than_allowed() -> None:
    """Beyond the limit those that were made first are made anew."""
    kept = Memo[str](most=2)
    for key in "abc":
        kept.get(key, 0, lambda: "first")
    assert kept.get("c", 0, lambda: "second") == "first"
    assert kept.get("a", 0, lambda: "second") == "second"
