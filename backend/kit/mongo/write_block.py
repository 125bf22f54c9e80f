"""A block on writing that every process obeys, while the database is exchanged under them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any
from uuid import uuid4

from pymongo.database import Database

from backend.errors import AppError, Conflict, Unavailable
from backend.kit.i18n import _
from backend.kit.mongo import lease

LOOK_SECONDS = 1.0
KNOWN_SECONDS = 2.5  # by then every process has looked, and what it had begun is done or refused
LEASE_SECONDS = 30.0  # it ends so long after the process that asked for it died
_NAME = "writeBlock"


class WriteBlock:
    """Looked at once a second at most, and only by those who write."""

    def __init__(self, database: Database[dict[str, Any]]) -> None:
        self._database = database
        self._looked_at = float("-inf")
        self._is_on = False

    def check(self) -> None:
        """Raises Unavailable ("read_only") while the block is on."""
        if monotonic() - self._looked_at >= LOOK_SECONDS:
            self._look()
        if self._is_on:
            raise Unavailable(
                _("The school is being restored from a backup. Nothing was saved; please try again in a minute."),
                code="read_only",
            )

    @contextmanager
    def on(self) -> Iterator[None]:
        """Refuse transactions in every process during the block of code, which begins once all of them know.

        Raises Conflict where another process has it on.
        """
        held = lease.acquire(self._database, _NAME, uuid4().hex, LEASE_SECONDS)
        if held is None:
            raise Conflict(_("A restore is under way already."))
        try:
            with held.renewed():
                self._look()
                time.sleep(KNOWN_SECONDS)
                yield
        finally:
            held.release()
            self._look()

    def _look(self) -> None:
        self._looked_at = monotonic()
        try:
            self._is_on = lease.holder(self._database, _NAME) is not None
        except AppError:  # the write itself says what is wrong
            self._is_on = False
