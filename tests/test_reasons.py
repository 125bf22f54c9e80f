"""No warning is ignored without a reason on its line."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SILENCED = re.compile(r"(noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\])(?P<reason>.*)$")
BARE = re.compile(r"#\s*(noqa(?!: [A-Z])|type: ignore(?!\[))")


def test_every_silenced_warning_says_why() -> None:
    """A `noqa` or `type: ignore` names its rule and is followed by words."""
    unexplained = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("backend", "bench", "deploy", "pages", "system_tests", "tests")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if BARE.search(line) or ((found := SILENCED.search(line)) and not re.search(r"\w", found["reason"]))
    ]
    assert unexplained == []
