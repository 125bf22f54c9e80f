"""How much may be uploaded at the same time: bytes and files for each person, and bytes in all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from backend.errors import RateLimited
from backend.kit.i18n import _

RETRY_SECONDS = 10.0


class Usage(NamedTuple):
    """Files and their bytes."""

    files: int = 0
    bytes: int = 0


NOTHING = Usage()


@dataclass(frozen=True, slots=True)
class _Reservation:
    person: str
    bytes: int


class UploadQuota:
    """Reserves room for files before they are read. For one event loop."""

    def __init__(self, *, person: Usage, everybody_bytes: int) -> None:
        self._person = person
        self._everybody_bytes = everybody_bytes
        self._reserved: list[_Reservation] = []

    @contextmanager
    def reserve(self, person: str, size: int, *, held: Usage = NOTHING, held_by_everybody: int = 0) -> Iterator[None]:
        """Room for `size` bytes of `person` during the block, beside what is `held` already. Raises RateLimited."""
        own = [each.bytes for each in self._reserved if each.person == person]
        if len(own) + held.files >= self._person.files or sum(own) + held.bytes + size > self._person.bytes:
            words = _("Too many of your files are open at once. Wait for one to finish, or close another tab.")
            raise RateLimited(words, retry_after_seconds=RETRY_SECONDS)
        if sum(each.bytes for each in self._reserved) + held_by_everybody + size > self._everybody_bytes:
            words = _("Very many files are arriving just now. Try again in a moment.")
            raise RateLimited(words, retry_after_seconds=RETRY_SECONDS)
        reservation = _Reservation(person, size)
        self._reserved.append(reservation)
        try:
            yield
        finally:
            self._reserved = [each for each in self._reserved if each is not reservation]
