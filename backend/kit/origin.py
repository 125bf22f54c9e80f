"""The origin of a call: address, program and request id, for the audit trail and logs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from backend.kit.model import Shape

AGENT_LENGTH = 200


class Origin(Shape, frozen=True, kw_only=True):
    """The origin of a call; "" for a part that is not known."""

    address: str = ""
    agent: str = ""
    request_id: str = ""
    browser: str = ""  # the random name that a browser keeps


NOWHERE = Origin()
_origin: ContextVar[Callable[[], Origin]] = ContextVar("origin", default=lambda: NOWHERE)


def come_from(origin: Callable[[], Origin]) -> None:
    """Say where the rest of this request or script run comes from; worked out only when somebody asks."""
    _origin.set(origin)


@contextmanager
def coming_from(origin: Callable[[], Origin]) -> Iterator[None]:
    """As `come_from`, for a while: afterwards it is as before."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


def origin() -> Origin:
    """Return the origin of the present call; every field is "" for scheduled work."""
    found = _origin.get()()
    return Origin(
        address=found.address[:64],
        agent=found.agent[:AGENT_LENGTH],
        request_id=found.request_id[:64],
        browser=found.browser[:64],
    )
