"""How the collections that grow with people's work spread over shards: keys, zones, and what cannot be aimed at one.

Pure: `commands` says what a mongos would be told, `python -m deploy.sharding` tells it. docs/sharding.md says why.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bson import Int64, MaxKey, MinKey

Command = dict[str, Any]
HASHED = "hashed"


@dataclass(frozen=True)
class Layout:
    """Shard keys by collection. Hashed keys are cut into as many equal parts as there are shards, the same for all."""

    name: str
    keys: Mapping[str, Mapping[str, Any]]
    zones: Sequence[tuple[str, Command]] = ()  # name, and the first fields of the key, for ranged keys

    def fields(self, collection: str) -> tuple[str, ...]:
        """The fields of a collection's key, in order."""
        return tuple(self.keys[collection])


# Four collections hold what a student did; all the rest together is smaller than one of them. One value, her id, is
# the key of all: equal hashes lie in the same zone, so what one save changes lies on one shard.
BY_STUDENT = Layout(
    "student",
    {
        "progress": {"studentId": HASHED},
        "activity": {"studentId": HASHED},
        "studyDays": {"studentId": HASHED},
        "summaries": {"_id": HASHED},
    },
)

SUBJECTS = ("Chemistry", "Mathematics", "Physics")
CLASSES = ("Class 11", "Class 12")
# Records of one class of the syllabus and one subject on shards of their own: for whoever asks by subject far more than
# by student. No page of the product does; the test counts what it costs.
BY_SUBJECT = Layout(
    "subject",
    {
        "progress": {"class": 1, "subject": 1, "studentId": 1},
        "studyDays": {"studentId": HASHED},
        "summaries": {"_id": HASHED},
        "activity": {"studentId": HASHED},
    },
    tuple((f"{class_} {subject}", {"class": class_, "subject": subject}) for class_ in CLASSES for subject in SUBJECTS),
)
LAYOUTS = {layout.name: layout for layout in (BY_STUDENT, BY_SUBJECT)}


def commands(layout: Layout, database: str, shards: Sequence[str]) -> Iterator[Command]:
    """Yield the commands for a mongos, in order.

    Zones are made before the collections are sharded, so that a new collection is split along them at once.
    """
    yield {"enableSharding": database}
    parts = _parts(len(shards))
    for number, shard in enumerate(shards):
        yield {"addShardToZone": shard, "zone": f"part-{number}"}
    for number, (zone, _first) in enumerate(layout.zones):
        yield {"addShardToZone": shards[number % len(shards)], "zone": zone}
    for collection, key in layout.keys.items():
        whole = f"{database}.{collection}"
        if HASHED in key.values():
            (field,) = key
            for number, (low, high) in enumerate(pairwise(parts)):
                yield _zone(whole, f"part-{number}", {field: low}, {field: high})
        else:
            for zone, first in layout.zones:
                others = [name for name in key if name not in first]
                yield _zone(
                    whole, zone, first | dict.fromkeys(others, MinKey()), first | dict.fromkeys(others, MaxKey())
                )
        yield {"shardCollection": whole, "key": dict(key)}


def _zone(whole: str, zone: str, low: Command, high: Command) -> Command:
    return {"updateZoneKeyRange": whole, "min": low, "max": high, "zone": zone}


def _parts(count: int) -> list[Any]:
    """The ends of `count` equal parts of all hashes, which are whole numbers of 64 bits."""
    width = 2**64 // count
    return [MinKey(), *(Int64(-(2**63) + number * width) for number in range(1, count)), MaxKey()]
