"""Room for files that arrive: so many and so much of a person, so much of everybody, given back in the end."""

from contextlib import ExitStack

import pytest

from backend.errors import RateLimited
from backend.kit.upload_quota import UploadQuota, Usage

PERSON = Usage(files=2, bytes=100)


def quota() -> UploadQuota:
    return UploadQuota(person=PERSON, everybody_bytes=250)


@pytest.mark.parametrize(
    ("size", "held", "everybody"),
    [(101, Usage(), 0), (1, Usage(2, 0), 0), (60, Usage(1, 50), 0), (60, Usage(), 200)],
)
def test_what_is_too_much_is_refused(size: int, held: Usage, everybody: int) -> None:
    """Bytes and files of one person, held ones among them, and the bytes of all."""
    with pytest.raises(RateLimited) as refused, quota().reserve("a", size, held=held, held_by_everybody=everybody):
        pass
    assert refused.value.retry_after_seconds > 0


def test_what_is_on_its_way_counts_until_it_ends() -> None:
    """Two uploads of a person fill her room, not another's; three people fill everybody's; an end frees it."""
    room = quota()
    with ExitStack() as first:
        first.enter_context(room.reserve("a", 50))
        first.enter_context(room.reserve("a", 50))
        with pytest.raises(RateLimited), room.reserve("a", 0):
            pass
        with room.reserve("b", 100), pytest.raises(RateLimited), room.reserve("c", 100):
            pass
    with room.reserve("a", 100), room.reserve("b", 100):
        pass
