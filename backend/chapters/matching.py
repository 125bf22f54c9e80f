"""Whether a subject, class or unit that somebody wrote is one of the catalogue's, one that is near and must be asked
about, or a new one. Pure; nothing is guessed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from backend.chapters.models import Chapter, ChapterDraft, NameChoice, NameField
from backend.errors import Invalid
from backend.kit.i18n import _
from backend.kit.unicode_text import comparison_key

NEAR = 0.8  # of difflib: a letter too many, too few or two swapped in a word of five and more
CANDIDATES = 3
QUOTED = 60  # characters of a name in a refusal
SHORTENED = 3  # letters that an abbreviation such as “Chem” has at least
# Numbers, and words of one or two letters (“Part A”, “Mechanics II”): names that differ in one are different names.
_MARKS = re.compile(r"\d+|\b[^\W\d]{1,2}\b|\b[ivxl]+\b")

Marks = tuple[str, ...]
Scope = tuple[NameField, str]  # units are known within their subject, by its key


class Match(NamedTuple):
    """How a name is to be written; with `candidates` it is not known which of them, or a new one, is meant."""

    name: str
    candidates: tuple[str, ...] = ()


class NameMatcher:
    """Knows the names of a catalogue, those it has matched since, and what a person chose."""

    def __init__(self, catalogue: Iterable[ChapterDraft], choices: Iterable[NameChoice] = ()) -> None:
        self._known: dict[Scope, dict[str, str]] = {}
        self._alike: dict[tuple[Scope, Marks], list[str]] = {}  # keys that only near spelling could confuse
        self._asked: dict[tuple[Scope, str], tuple[str, ...]] = {}
        self._choices = {(_scope(each.field, each.subject), comparison_key(each.value)): each for each in choices}
        for chapter in catalogue:
            self._learn(_scope("subject", ""), chapter.subject)
            self._learn(_scope("class", ""), chapter.class_)
            self._learn(_scope("unit", chapter.subject), chapter.unit)

    def match(self, field: NameField, name: str, subject: str = "") -> Match:
        """How `name` is written in the catalogue; for a unit, within its subject.

        Raises Invalid where it was chosen to be the same as a name that is not there.
        """
        scope, key = _scope(field, subject), comparison_key(name)
        known = self._known.setdefault(scope, {})
        if key in known:
            return Match(known[key])
        chosen = self._choices.get((scope, key))
        if chosen and chosen.same_as is not None:
            return Match(_chosen(chosen, known))
        near = () if chosen else self._near(scope, key)
        if not near:
            self._learn(scope, name)
        return Match(name, near)

    def _learn(self, scope: Scope, name: str) -> None:
        known, key = self._known.setdefault(scope, {}), comparison_key(name)
        if key not in known:
            known[key] = name
            self._alike.setdefault((scope, _marks(key)), []).append(key)

    def _near(self, scope: Scope, key: str) -> tuple[str, ...]:
        """The known names that `key` may be a slip or a short form of."""
        if (scope, key) not in self._asked:
            alike = self._alike.get((scope, _marks(key)), [])
            close = get_close_matches(key, alike, CANDIDATES, NEAR)
            short = [other for other in alike if other not in close and _is_short_for(*sorted((key, other), key=len))]
            short = short if scope[0] == "subject" else []
            known = self._known[scope]
            self._asked[scope, key] = tuple(known[other] for other in (*close, *short)[:CANDIDATES])
        return self._asked[scope, key]


def _chosen(choice: NameChoice, known: Mapping[str, str]) -> str:
    found = known.get(comparison_key(str(choice.same_as)))
    if found is None:
        raise Invalid(
            _("“{column}”: “{value}” cannot be the same as “{name}”, which the catalogue does not have.").format(
                column=choice.field, value=choice.value[:QUOTED], name=str(choice.same_as)[:QUOTED]
            )
        )
    return found


def in_order(catalogue: Iterable[Chapter]) -> list[Chapter]:
    """The chapters by whose spelling others go: those of the syllabus before those of the archive."""
    return sorted(catalogue, key=lambda chapter: chapter.archived_at is not None)


def _scope(field: NameField, subject: str) -> Scope:
    return field, comparison_key(subject) if field == "unit" else ""


def _marks(key: str) -> Marks:
    return tuple(_MARKS.findall(key))


def _is_short_for(short: str, long: str) -> bool:
    """Whether one word is cut from another: “Chem” or “Maths”, not “Modern” from “Modern Physics”."""
    stem = short.rstrip(".").removesuffix("s")
    return len(stem) >= SHORTENED and " " not in long and long.startswith(stem)


def candidates_words(candidates: Sequence[str]) -> str:
    """Names in quotation marks, for a sentence."""
    return ", ".join(f"“{name}”" for name in candidates)
