"""A school that sends mail by a real server, for tests of whatever writes letters."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.kit.clock import SetClock
from tests.mails.post_office import Opened, PostOffice

URL = "https://learn.school.example"


@pytest.fixture
def office(open_post: Opened) -> PostOffice:
    """The server that takes the school's letters."""
    return open_post()


@pytest.fixture
def mailing(settings: Settings, clock: SetClock, office: PostOffice) -> Iterator[Backend]:
    """A school that sends mail, and knows its own address."""
    server = SecretStr(f"smtp://127.0.0.1:{office.port}")
    sending = {"smtp_url": server, "mail_from": "School <learn@school.example>", "public_url": URL}
    built = build(settings.model_copy(update=sending), clock=clock)
    try:
        yield built
    finally:
        built.close()
