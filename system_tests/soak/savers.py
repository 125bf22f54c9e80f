"""Students who save, each save until it is acknowledged, by the same key: over HTTP, and by the services themselves."""

import asyncio
import random
import threading
from collections.abc import Sequence
from time import monotonic, sleep

from backend.bootstrap import Backend
from backend.errors import AppError
from backend.kit.mongo.client import new_id
from backend.progress.models import ProgressChange
from system_tests.soak.ledger import OK, Ack, Ledger
from system_tests.soak.people import Person, Program

ONE_MORE = ProgressChange(questions_delta=1)
CHAPTERS = 60
AGAIN_SECONDS = 0.5


async def save_by_program(
    program: Program, person: Person, chapters: Sequence[str], pause: float, stop: asyncio.Event
) -> None:
    """One question more, over and over; leaves only once the last save is acknowledged."""
    while not stop.is_set():
        chapter_id, key = random.choice(chapters[:CHAPTERS]), new_id()  # noqa: S311 - no secret
        body = {"questionsDelta": 1, "confirm": True}
        path = f"/api/v1/chapters/{chapter_id}/progress"
        answer = None
        while answer is None:
            answer = await program.call("save by API", "POST", path, json=body, headers={"Idempotency-Key": key})
            if answer is None:
                await asyncio.sleep(AGAIN_SECONDS)
        batch_id = str(answer.json()["data"]["batchId"])
        program.ledger.acknowledge(Ack(person.viewer.id, chapter_id, batch_id, monotonic()))
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret


def save_by_services(
    backend: Backend, ledger: Ledger, person: Person, chapters: Sequence[str], pause: float, stop: threading.Event
) -> None:
    """The same on a thread, as a page does it."""
    while not stop.is_set():
        chapter_id, key = random.choice(chapters[:CHAPTERS]), new_id()  # noqa: S311 - no secret
        while not (batch_id := _saved(backend, ledger, person, chapter_id, key)):
            sleep(AGAIN_SECONDS)
        ledger.acknowledge(Ack(person.viewer.id, chapter_id, batch_id, monotonic()))
        stop.wait(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret


def _saved(backend: Backend, ledger: Ledger, person: Person, chapter_id: str, key: str) -> str:
    """The batch that the save became; "" where it was refused."""
    began = monotonic()
    try:
        saved = backend.progress.change(person.viewer, chapter_id, ONE_MORE, key=key, confirm=True)
    except AppError as error:
        ledger.note("save by services", error.code)
        return ""
    except Exception as error:  # noqa: BLE001 - whatever else a page would meet is a fault to be counted
        ledger.note("save by services", f"unexpected: {type(error).__name__}")
        return ""
    ledger.note("save by services", OK, monotonic() - began)
    return saved.batch_id
