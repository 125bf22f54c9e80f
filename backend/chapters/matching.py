"""Matching the names that people write with those of the catalogue: the same, a near one that must be asked about, or a
new one. Pure; nothing is guessed."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from backend.chapters.models import Chapter, ChapterDraft, NameChoice, NameField, NameQuestion, name_key
from backend.chapters.near_names import Marks, NearNames, marks
from backend.errors import Invalid
from backend.kit.i18n import _

NAME_FIELDS: Mapping[NameField, str] = {"subject": "subject", "class": "class_", "unit": "unit", "chapter": "chapter"}
CANDIDATES = 3
QUOTED = 60  # characters of a name in a refusal
SUBJECTS = 400  # names of which the short forms are looked for
SHORTENED = 3  # letters that an abbreviation such as “Chem” has at least

Scope = tuple[str, ...]  # a field and the keys of the names around it: units are known within their subject
Named = ChapterDraft | NameChoice | NameQuestion


class Match(NamedTuple):
    """How a name is to be written; with `candidates` it is not known which of them, or a new one, is meant."""

    name: str
    candidates: tuple[str, ...] = ()


class NameMatcher:
    """Knows the names of a catalogue, those it has matched since, and what a person chose."""

    def __init__(self, catalogue: Iterable[ChapterDraft], choices: Iterable[NameChoice] = ()) -> None:
        self._known: dict[Scope, dict[str, str]] = {}
        self._alike: dict[tuple[Scope, Marks], NearNames] = {}  # names that only near spelling could confuse
        self._asked: dict[tuple[Scope, str], tuple[str, ...]] = {}
        self._choices = {(scope_of(each.field, each), name_key(each.value)): each for each in choices}
        for chapter in catalogue:
            for field, attribute in NAME_FIELDS.items():
                self._learn(scope_of(field, chapter), getattr(chapter, attribute))

    def match(self, field: NameField, draft: ChapterDraft) -> Match:
        """Return how the catalogue writes this name of a draft; the names around it have its spelling already.

        Raises Invalid where it was chosen to be the same as a name that is not there.
        """
        name: str = getattr(draft, NAME_FIELDS[field])
        scope, key = scope_of(field, draft), name_key(name)
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
        known, key = self._known.setdefault(scope, {}), name_key(name)
        if key not in known:
            known[key] = name
            self._alike.setdefault((scope, marks(name)), NearNames()).add(name)

    def _near(self, scope: Scope, key: str) -> tuple[str, ...]:
        """The known names that `key` may be a slip or a short form of."""
        if (scope, key) not in self._asked:
            alike = self._alike.get((scope, marks(key)), NearNames())
            short = (
                known
                for other, known in islice(self._known[scope].items(), SUBJECTS)
                if scope[0] == "subject" and _is_short_for(*sorted((key, other), key=len))
            )
            found = dict.fromkeys((*alike.find(key, CANDIDATES), *short))
            self._asked[scope, key] = tuple(found)[:CANDIDATES]
        return self._asked[scope, key]


def scope_of(field: NameField, named: Named) -> Scope:
    """Return the scope of a name: a unit is known within its subject, a chapter within its subject, class and unit."""
    around = {"unit": (named.subject,), "chapter": (named.subject, named.class_, named.unit)}.get(field, ())
    return field, *map(name_key, around)


def _chosen(choice: NameChoice, known: Mapping[str, str]) -> str:
    found = known.get(name_key(str(choice.same_as)))
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


def _is_short_for(short: str, long: str) -> bool:
    """Whether one word is cut from another: “Chem” or “Maths”, not “Modern” from “Modern Physics”."""
    stem = short.rstrip(".").removesuffix("s")
    return len(stem) >= SHORTENED and " " not in long and long.startswith(stem)


def candidates_words(candidates: Sequence[str]) -> str:
    """Names in quotation marks, for a sentence."""
    return ", ".join(f"“{name}”" for name in candidates)
