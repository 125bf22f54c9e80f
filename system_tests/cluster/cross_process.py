"""Trials across the processes of a cluster: a change in one is known to the others within a second."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import Any

from httpx2 import Client
from websockets.sync.client import connect

from backend.kit.mongo.client import new_id
from system_tests.cluster.app_process import Served
from system_tests.cluster.cluster import Cluster
from system_tests.cluster.people import Person, student, teacher
from system_tests.cluster.results import Finding
from system_tests.cluster.waiting import until

ROUNDS = 10
WAIT_SECONDS = 30.0
WITHIN_SECONDS = 1.0
ALLOWED = 100  # an hour, to callers who are not signed in: the product's default
STRANGER = "203.0.113.77"  # of a network for examples


def heard_elsewhere(cluster: Cluster, *, rounds: int = ROUNDS, within_seconds: float = WITHIN_SECONDS) -> Finding:
    """A save at one process, until an event stream and a websocket of others have told it."""
    person = student(cluster.backend)
    streams, sockets = [], []
    saver = [*cluster.api.values(), *cluster.web.values()][0]
    listened = [each for each in cluster.web.values() if each is not saver]
    with ExitStack() as open_ones:
        save = _saver(cluster, person, open_ones.enter_context(person.client(saver.url)))
        told = open_ones.enter_context(_events(person, listened[0]))
        socket = open_ones.enter_context(_socket(cluster, person, listened[-1]))
        for _round in range(rounds):
            began = monotonic()
            save()
            told.wait(began)
            streams.append(monotonic() - began)
            socket.wait(began)
            sockets.append(monotonic() - began)
            time.sleep(0.3)
    return Finding(
        "a save at one process, heard at others",
        f"{rounds} saves: by event stream after {_range(streams)}, by websocket after {_range(sockets)}, "
        "the save included",
        max(streams + sockets) < within_seconds,
    )


def forgotten_elsewhere(cluster: Cluster, *, rounds: int = ROUNDS, within_seconds: float = WITHIN_SECONDS) -> Finding:
    """Every process has a class report in memory; a save at one of them, until each tells the new figure."""
    someone, asker = student(cluster.backend), teacher(cluster.backend)
    room = cluster.backend.classrooms.classrooms(asker.viewer)[0].id
    path, ways = f"/api/v1/classrooms/{room}/students?limit=100", []
    everyone = [*cluster.web.values(), *cluster.api.values()]
    with ExitStack() as clients:
        asked = [clients.enter_context(asker.client(each.url)) for each in everyone]
        save = _saver(cluster, someone, clients.enter_context(someone.client(everyone[-1].url)))
        for number in range(1, rounds + 1):
            for client in asked:
                client.get(path)
            save()
            began = monotonic()
            for client in asked:
                until(lambda client=client, number=number: _told(client, path, someone) >= number, WAIT_SECONDS)  # type: ignore[misc]  # defaults bind them
            ways.append(monotonic() - began)
    return Finding(
        "what was changed at one process is forgotten by all",
        f"{rounds} saves: all {len(everyone)} processes told the new figure {_range(ways)} after the answer",
        max(ways) < within_seconds,
    )


def limit_shared(cluster: Cluster) -> Finding:
    """Somebody who is not signed in asks all processes in turn until each refuses."""
    everyone = [*cluster.web.values(), *cluster.api.values()]
    granted, refused = 0, set()
    with ExitStack() as clients:
        asked = {each.name: clients.enter_context(Client(base_url=each.url, timeout=WAIT_SECONDS)) for each in everyone}
        for turn in range(5 * ALLOWED):
            name = everyone[turn % len(everyone)].name
            answer = asked[name].get(
                f"/api/v1/chapters?page={1 + turn % 5}", headers={"X-Forwarded-For": STRANGER, "X-Request-Id": new_id()}
            )
            granted += answer.status_code == 200  # noqa: PLR2004 - OK
            refused |= {name} if answer.status_code == 429 else set()  # noqa: PLR2004 - too many
            if len(refused) == len(everyone):
                break
    return Finding(
        f"{ALLOWED} requests an hour are allowed, and {len(everyone)} processes asked in turn",
        f"{granted} were answered before all refused",
        granted <= ALLOWED and len(refused) == len(everyone),
    )


class _Signal:
    """Somebody who listens on a thread: told when something came."""

    def __init__(self) -> None:
        self.came: list[float] = []
        self.is_open = threading.Event()
        self.is_over = threading.Event()

    def wait(self, since: float) -> None:
        """Wait until something came after that moment. Raises TimeoutError."""
        until(lambda: any(at > since for at in self.came), WAIT_SECONDS)


@contextmanager
def _events(person: Person, served: Served) -> Iterator[_Signal]:
    signal = _Signal()

    def listen() -> None:
        with person.client(served.url) as client, client.stream("GET", "/api/v1/events?rooms=student:me") as answer:
            for line in answer.iter_lines():
                if line == "event: connected":
                    signal.is_open.set()
                if line == "event: changed":
                    signal.came.append(monotonic())
                if signal.is_over.is_set():
                    return

    with _on_a_thread(listen, signal):
        yield signal


@contextmanager
def _socket(cluster: Cluster, person: Person, served: Served) -> Iterator[_Signal]:
    signal = _Signal()
    chapter_id = cluster.backend.chapters.active()[0].id

    def listen() -> None:
        headers = {"Authorization": f"Bearer {person.token}"}
        with connect(f"ws://{served.address}/api/v1/ws", additional_headers=headers) as socket:
            socket.send(json.dumps({"type": "join-chapter", "chapterId": chapter_id}))
            while not signal.is_over.is_set():
                try:
                    said: dict[str, Any] = json.loads(socket.recv(0.5))
                except TimeoutError:
                    continue
                if said["type"] == "joined":
                    signal.is_open.set()
                if said["type"] == "progress-updated":
                    signal.came.append(monotonic())

    with _on_a_thread(listen, signal):
        yield signal


@contextmanager
def _on_a_thread(listen: Callable[[], None], signal: _Signal) -> Iterator[None]:
    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    if not signal.is_open.wait(WAIT_SECONDS):
        raise TimeoutError("a listener was not let in")
    try:
        yield
    finally:
        signal.is_over.set()


def _saver(cluster: Cluster, person: Person, client: Client) -> Callable[[], None]:
    path = f"/api/v1/chapters/{cluster.backend.chapters.active()[0].id}/progress"

    def save() -> None:
        client.post(path, json={"questionsDelta": 1, "confirm": True}).raise_for_status()

    return save


def _told(client: Client, path: str, person: Person) -> int:
    """Return the number of the student's questions in the class report; -1 if they are not in it."""
    rows = client.get(path).raise_for_status().json()["data"]
    row = next((row for row in rows if person.viewer.id in json.dumps(row)), None)
    return int(_number(row, "solved")) if row else -1


def _number(row: Any, name: str) -> int:
    if isinstance(row, dict):
        if isinstance(row.get(name), int):
            return int(row[name])
        return max((_number(each, name) for each in row.values()), default=-1)
    return -1


def _range(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    return f"{1000 * ordered[len(ordered) // 2]:.0f} ms (at most {1000 * ordered[-1]:.0f} ms)"
