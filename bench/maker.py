"""Schools of known size, written in bulk and found again: nothing is made twice for the same version, size and seed."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from time import perf_counter

from msgspec import ValidationError
from pymongo.write_concern import WriteConcern

from backend.accounts.models import User
from backend.accounts.queries import membership_document, user_document
from backend.bootstrap import INDEXES
from backend.chapters.catalogue import catalogue
from backend.chapters.importing import new_chapter
from backend.chapters.models import Chapter
from backend.chapters.queries import ChapterQueries
from backend.classrooms.queries import ClassroomQueries
from backend.config import Settings
from backend.kit.clock import SystemClock
from backend.kit.model import from_document, to_document
from backend.kit.mongo.client import Document, Mongo
from backend.kit.security.passwords import hash_password
from backend.progress.queries import activity_document, day_document, progress_document
from backend.statistics.queries import ProjectorQueries
from bench import people
from bench.made import CHAPTERS, SEED, VERSION, Made, Size
from bench.past import Past, past

STAMP = "benchSchool"
BLOCK = 250  # students whose work is written together, in the order of time: as in life, nobody's lies side by side
BULK = 5_000

Report = Callable[[str], None]


def made(settings: Settings, size: Size, report: Report, *, is_fresh: bool = False) -> Made:
    """The school in this database, found (unless it must be fresh) or made, and then alone in it."""
    mongo = Mongo(str(settings.mongodb_uri and settings.mongodb_uri.get_secret_value()), settings.mongodb_database)
    try:
        found = None if is_fresh else _found(mongo, size)
        return found or _make(mongo, Made(size=size, at=SystemClock().now()), report)
    finally:
        mongo.close()


def _found(mongo: Mongo, size: Size) -> Made | None:
    document = mongo[STAMP].find_one({})
    try:
        stamp = from_document(document, Made) if document else None
    except ValidationError:  # of an older version
        return None
    return stamp if stamp and (stamp.size, stamp.version, stamp.seed) == (size, VERSION, SEED) else None


def _make(mongo: Mongo, school: Made, report: Report) -> Made:
    report(f"Making the school of {school.size.records:,} progress records; it is kept for the next run …")
    began = perf_counter()
    mongo.client.drop_database(mongo.database.name)
    chapters = _chapters(mongo, school.at)
    _people(mongo, school)
    with ThreadPoolExecutor(2) as pool:  # the driver waits for the server while we make the next documents
        pending: list[Future[None]] = []
        for done, block in enumerate(_blocks(school, chapters), start=1):
            pending += [pool.submit(_write, mongo, collection, documents) for collection, documents in block.items()]
            while len(pending) > len(block):
                pending.pop(0).result()
            if done * BLOCK % 1_000 == 0:
                report(f"{done * BLOCK:,} of {school.size.students:,} students, {perf_counter() - began:.0f} s")
        for each in pending:
            each.result()
    report("Making the indexes …")
    for indexes in INDEXES:
        mongo.ensure_indexes(indexes)
    ProjectorQueries(mongo).rebuild()
    mongo[STAMP].insert_one(to_document(school))
    report(f"Made in {perf_counter() - began:.0f} s.")
    return school


def _chapters(mongo: Mongo, at: datetime) -> tuple[Chapter, ...]:
    queries = ChapterQueries(mongo)
    chapters = [new_chapter(draft, at) for draft in catalogue()[:CHAPTERS]]
    mongo.transaction(lambda session: queries.add(session, chapters))
    return queries.every()


def _people(mongo: Mongo, school: Made) -> None:
    size, at, hashed = school.size, school.at, hash_password(people.PASSWORD)
    students = [people.student(number, at) for number in range(size.students)]
    teachers = [people.teacher(number, at) for number in range(size.classrooms)]
    everybody: list[User] = [people.administrator(at), *teachers, *students]
    _write(mongo, "users", [user_document(user, hashed) for user in everybody])
    classrooms, queries = [people.classroom(number, at) for number in range(size.classrooms)], ClassroomQueries(mongo)
    for classroom in classrooms:
        mongo.transaction(partial(queries.insert, classroom=classroom, teacher_id=classroom.teacher_ids[0]))
    members = [
        membership_document(classrooms[number // people.CLASS_SIZE].id, user.id, "student", user.created_at)
        for number, user in enumerate(students)
    ]
    _write(mongo, "memberships", members)


def _blocks(school: Made, chapters: Sequence[Chapter]) -> Iterator[dict[str, list[Document]]]:
    """The documents of one block of students after another, by collection."""
    for first in range(0, school.size.students, BLOCK):
        numbers = range(first, min(first + BLOCK, school.size.students))
        users = (people.student(number, school.at) for number in numbers)
        yield _documents([past(user, chapters, school.at, school.seed) for user in users], chapters)


def _documents(pasts: Sequence[Past], chapters: Sequence[Chapter]) -> dict[str, list[Document]]:
    progress = [
        progress_document(each.user.id, chapter, each.records[chapter.id])
        for each in pasts
        for chapter in chapters
        if chapter.id in each.records
    ]
    activity = [
        activity_document(each.user.id, chapter, activity, activity.batch_id)
        for each in pasts
        for chapter, activity in each.activities
    ]
    return {
        "progress": sorted(progress, key=lambda document: document["updatedAt"]),
        "activity": sorted(activity, key=lambda document: document["at"]),
        "studyDays": sorted(
            (day_document(each.user.id, day) for each in pasts for day in each.days),
            key=lambda document: document["day"],
        ),
        "summaries": [{**to_document(each.summary), "revision": len(each.activities)} for each in pasts],
    }


def _write(mongo: Mongo, collection: str, documents: Sequence[Document]) -> None:
    """In bulk, and without waiting for the disk: a school half made is made anew."""
    bulk = mongo[collection].with_options(write_concern=WriteConcern(1))
    for start in range(0, len(documents), BULK):
        bulk.insert_many(documents[start : start + BULK], ordered=False)
