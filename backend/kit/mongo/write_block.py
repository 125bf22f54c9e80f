"""Blocks writes while a restore exchanges the database, and when the data is newer than this version of the app."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any
from uuid import uuid4

from pymongo.database import Database

from backend.errors import AppError, Conflict, Unavailable
from backend.kit.i18n import _
from backend.kit.mongo import data_version, lease

LOOK_SECONDS = 1.0
KNOWN_SECONDS = 2.5  # by then every process has looked, and what it had begun is done or refused
LEASE_SECONDS = 30.0  # it ends so long after the process that asked for it died
_NAME = "writeHold"


class WriteBlock:
    """A flag in the database, read at most once a second and only before writes."""

    def __init__(self, database: Database[dict[str, Any]], newest_version: int | None = None) -> None:
        self._database = database
        self._newest_version = newest_version
        self._looked_at = float("-inf")
        self._is_on = self._is_outdated = False

    def check(self) -> None:
        """Raises Unavailable: "read_only" while the block is on, "newer_data" where the data is newer than the app."""
        if monotonic() - self._looked_at >= LOOK_SECONDS:
            self._look()
        if self._is_on:
            raise Unavailable(
                _("The school's data is being restored or upgraded. Nothing was saved; please try again in a minute."),
                code="read_only",
            )
        if self._is_outdated:
            raise Unavailable(
                _("A newer version of the app has taken over. Nothing was saved; please reload the page."),
                code="newer_data",
            )

    @contextmanager
    def on(self) -> Iterator[None]:
        """Refuse transactions in every process during the block of code, which begins once all of them know.

        Raises Conflict where another process has it on.
        """
        held = lease.acquire(self._database, _NAME, uuid4().hex, LEASE_SECONDS)
        if held is None:
            raise Conflict(_("A restore is already running."))
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
            if self._newest_version is not None:
                self._is_outdated = (data_version.stored(self._database) or 0) > self._newest_version
        except AppError:  # the write itself says what is wrong
            self._is_on = False
