"""The meaning of column headings and object keys, for each kind of list. Checks no values."""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from backend.chapters.models import FIRST_YEAR, LAST_YEAR
from backend.kit.search_words import words

NAMES = ("subject", "class", "unit", "chapter")
COUNTS = "yearWiseQuestionCount"
OWN = ("status", "questionSolved", "isWeakChapter")
_ALIASES = {
    **dict.fromkeys(("subject", "subjectname", "विषय"), "subject"),
    **dict.fromkeys(("class", "classname", "grade", "standard", "std", "कक्षा"), "class"),
    **dict.fromkeys(("unit", "unitname", "इकाई"), "unit"),
    **dict.fromkeys(("chapter", "chaptername", "chaptertitle", "अध्याय"), "chapter"),
    **dict.fromkeys(("yearwisequestioncount", "yearwisequestioncounts", "yearwise"), COUNTS),
    **dict.fromkeys(("questionsolved", "questionssolved", "solved"), "questionSolved"),
    "status": "status",
    **dict.fromkeys(("isweakchapter", "weakchapter", "isweak", "weak"), "isWeakChapter"),
}
# Headings that people write in a list of their own progress, where they can mean nothing else.
_OWN_ALIASES = {
    **dict.fromkeys(("chapters", "nameofchapter", "topic", "topicname", "lesson", "पाठ"), "chapter"),
    **dict.fromkeys(("done", "isdone", "completed", "finished", "state", "chapterstatus", "स्थिति"), "status"),
    **dict.fromkeys(
        ("questions", "questionsdone", "questionscompleted", "solvedquestions", "noofquestionssolved",
         "numberofquestionssolved", "हलकिएप्रश्न", "प्रश्न"),
        "questionSolved",
    ),
    **dict.fromkeys(("weaktopic", "weakarea", "weakpoint", "कमज़ोर"), "isWeakChapter"),
}  # fmt: skip
_WORD = r"(?:yearwise|year|questions?|counts?|asked|pyqs?|jee|main|in|of|for)"
_YEAR = re.compile(rf"{_WORD}*(\d{{4}}){_WORD}*")
_WHOLE = re.compile(r"(?<=\d)\.0+$")  # programs write the year 2024 of an uneven column as 2024.0
_SPAN = re.compile(r"(?<!\d)(\d{4})\s*(?:[-‐-―−/_]|to)\s*(\d{4}|\d{2})(?!\d)", re.IGNORECASE)
_YEAR_WITHIN = re.compile(r"(?<!\d)\d{4}(?!\d)")
_LONGEST_NAME = 200


class Columns:
    """The headings of one kind of list: what they mean, which make a row a header, and which must be there."""

    def __init__(
        self, aliases: Mapping[str, str], required: tuple[str, ...], telling: tuple[str, ...], *, has_years: bool
    ) -> None:
        self._aliases = {_plain(name): field for name, field in aliases.items()}
        self.required = required
        self._telling = telling
        self.has_years = has_years  # so that a date among the headings may be a year that was mangled

    def field_of(self, name: object) -> str | None:
        """The field that a heading or key means: a published name, a year such as "2019", or None for neither."""
        text = str(name)
        if len(text) > _LONGEST_NAME:
            return None
        plain = _plain(_WHOLE.sub("", text.strip()))
        found = _YEAR.fullmatch(plain)
        return self._aliases.get(plain) or (str(int(found[1])) if found else None)

    def known_names(self, cells: Iterable[object]) -> set[str]:
        """The fields that a row of headings names."""
        return {name for cell in cells if (name := self.field_of(cell)) is not None}

    def is_header(self, cells: Iterable[object]) -> bool:
        """Whether the row names at least two fields that tell this kind of list, one of them a required one."""
        names = self.known_names(cells) & set(self._telling)
        return len(names) > 1 and bool(names & set(self.required))

    def is_whole_header(self, cells: Collection[object]) -> bool:
        """Whether it names each field that must be there."""
        return self.is_header(cells) and self.known_names(cells).issuperset(self.required)


def span_of_years(name: object) -> tuple[int, int] | None:
    """The first and last year of a heading such as "2024-25", which may mean either of them; None for any other."""
    found = _SPAN.search(str(name)[:_LONGEST_NAME])
    if not found:
        return None
    first, last = int(found[1]), int(found[2])
    last += first // 100 * 100 if len(found[2]) == 2 else 0  # noqa: PLR2004 # the digits of a year without its century
    return (first, last) if FIRST_YEAR <= first < last <= LAST_YEAR else None


def has_a_year(name: str) -> bool:
    """Return whether a year that may be an exam year stands in the text."""
    return any(FIRST_YEAR <= int(found[0]) <= LAST_YEAR for found in _YEAR_WITHIN.finditer(name))


@lru_cache(maxsize=1024)
def _plain(name: str) -> str:
    return "".join(words(name))


SYLLABUS = Columns(_ALIASES, required=NAMES, telling=NAMES, has_years=True)
OWN_LIST = Columns({**_ALIASES, **_OWN_ALIASES}, required=("chapter",), telling=(*NAMES, *OWN), has_years=False)
