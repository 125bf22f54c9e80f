"""Ranks from scores: ties share a rank and are ordered by display name, then by id. Pure."""

from collections.abc import Sequence

from backend.boards.models import BoardEntry, Measure, ParticipantScores


def name_order(name: str) -> str:
    """Return the sort key of equal scores: the display name, ignoring case."""
    return name.casefold()


def ranked(standings: Sequence[ParticipantScores], measure: Measure, me: str) -> tuple[BoardEntry, ...]:
    """Everyone, best first; after two firsts comes a third. A score below 0 counts 0."""
    ordered = sorted(standings, key=lambda each: (-each.score(measure), name_order(each.name), each.student_id))
    entries: list[BoardEntry] = []
    for position, standing in enumerate(ordered, start=1):
        score = standing.score(measure)
        rank = entries[-1].rank if entries and entries[-1].score == score else position
        entries.append(BoardEntry(rank=rank, name=standing.name, score=score, is_me=standing.student_id == me))
    return tuple(entries)


def neighbours(entries: Sequence[BoardEntry], reach: int) -> tuple[BoardEntry, ...]:
    """Return the viewer's own entry with `reach` entries on each side; empty if they have none."""
    own = next((position for position, entry in enumerate(entries) if entry.is_me), None)
    return () if own is None else tuple(entries[max(0, own - reach) : own + reach + 1])


def with_own(
    standings: Sequence[ParticipantScores], own: ParticipantScores | None, student_id: str
) -> tuple[ParticipantScores, ...]:
    """Return the standings with the viewer's fresh one in place of the kept one; without theirs if `own` is None."""
    others = tuple(standing for standing in standings if standing.student_id != student_id)
    return (*others, own) if own else others
