"""A steady stream of requests that are sent once: whatever fails, fails."""

import threading
from dataclasses import dataclass, field
from time import monotonic
from typing import Self

from httpx2 import Client, HTTPError

from backend.kit.mongo.client import new_id
from system_tests.cluster.people import Person

THREADS = 3
PAUSE_SECONDS = 0.15
OK = 200


@dataclass
class Load:
    """A context: three programs of one student that read and save through nginx until it is left."""

    url: str
    person: Person
    chapter_id: str
    sent: int = 0
    saved: int = 0
    slowest: float = 0.0
    failed: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._mutex = threading.Lock()
        self._threads = [threading.Thread(target=self._work) for _number in range(THREADS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _work(self) -> None:
        with self.person.client(self.url) as client:
            while not self._stop.is_set():
                for method, path in (
                    ("GET", "/"),
                    ("GET", "/api/v1/progress/home"),
                    ("POST", f"/api/v1/chapters/{self.chapter_id}/progress"),
                    ("GET", "/api/v1/chapters?limit=20"),
                ):
                    self._send(client, method, path)
                    self._stop.wait(PAUSE_SECONDS)

    def _send(self, client: Client, method: str, path: str) -> None:
        body = {"questionsDelta": 1, "confirm": True} if method == "POST" else None
        headers = {"Idempotency-Key": new_id()} if body else {}
        began = monotonic()
        try:
            answer = client.request(method, path, json=body, headers=headers)
            trouble = "" if answer.status_code == OK else f"{method} {path}: {answer.status_code} {answer.text[:200]}"
        except HTTPError as error:
            trouble = f"{method} {path}: {error!r}"
        with self._mutex:
            self.sent += 1
            self.saved += bool(body) and not trouble
            self.slowest = max(self.slowest, monotonic() - began)
            if trouble:
                self.failed.append(trouble)
