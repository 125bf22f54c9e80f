"""Whose address counts: what proxies say is believed of trusted ones alone."""

import asyncio
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from backend.api.middleware.client_address import ClientAddress
from backend.config import Settings

TRUSTED = "10.0.0.0/8, 192.0.2.1/32"


def resolved(peer: str, *headers: tuple[str, str], trusted: str = "10.0.0.0/8", kind: str = "http") -> Scope:
    """The scope as the app behind sees it."""
    seen: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope: dict[str, Any] = {"type": kind, "client": (peer, 4711), "scheme": "http", "headers": raw}
    asyncio.run(ClientAddress(app, trusted_proxies=trusted)(scope, None, None))  # type: ignore[arg-type]  # not used
    return seen[0]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.9", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.9", "203.0.113.7, 10.1.1.1", "203.0.113.7"),
        ("10.0.0.9", "1.2.3.4, 203.0.113.7, 10.1.1.1, 192.0.2.1", "203.0.113.7"),
        ("10.0.0.9", "1.2.3.4, 203.0.113.7, ::ffff:10.1.1.1", "203.0.113.7"),
        ("10.0.0.9", "203.0.113.7:5000", "203.0.113.7"),
        ("10.0.0.9", "[2001:db8::1]:443", "2001:db8::1"),
        ("10.0.0.9", "2001:DB8:0::1", "2001:db8::1"),
        ("10.0.0.9", "", "10.0.0.9"),
        ("10.0.0.9", "10.2.2.2", "10.2.2.2"),
        ("10.0.0.9", ", ".join(["10.2.2.2"] * 500), "10.2.2.2"),
        ("::ffff:10.0.0.9", "203.0.113.7", "203.0.113.7"),  # as a server that listens on both kinds sees its peer
        ("::ffff:10.0.0.9", "", "10.0.0.9"),
        ("10.0.0.9", "::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.50", "1.2.3.4", "203.0.113.50"),
        ("10.0.0.9", "203.0.113.7, <script>", None),
        ("10.0.0.9", "203.0.113.7, unknown", None),
        ("10.0.0.9", "203.0.113.7,", "10.0.0.9"),
    ],
)
def test_the_last_address_that_is_no_proxy_counts(peer: str, forwarded: str, address: str | None) -> None:
    """Read from the right, through trusted hands only; of what is no address nothing is believed."""
    client = resolved(peer, ("x-forwarded-for", forwarded), trusted=TRUSTED)["client"]
    assert (client[0] if client else None) == address


def test_several_headers_are_one_list() -> None:
    """A proxy may add a line of its own: what stands in the last one was seen last."""
    lines = (("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "203.0.113.7"), ("x-forwarded-for", "10.1.1.1"))
    assert resolved("10.0.0.9", *lines)["client"][0] == "203.0.113.7"


def test_a_stranger_cannot_choose_an_address() -> None:
    """X-Forwarded-For of a peer that is no trusted proxy is not looked at."""
    assert resolved("203.0.113.50", ("x-forwarded-for", "1.2.3.4"))["client"][0] == "203.0.113.50"
    assert resolved("10.0.0.9", ("x-forwarded-for", "1.2.3.4"), trusted="")["client"][0] == "10.0.0.9"


@pytest.mark.parametrize(("kind", "scheme"), [("http", "https"), ("websocket", "wss")])
def test_a_trusted_proxy_says_who_calls_and_how(kind: str, scheme: str) -> None:
    """Behind it the caller's own address counts, and that her connection is encrypted; for pages' sockets too."""
    scope = resolved("10.0.0.9", ("x-forwarded-for", "203.0.113.7"), ("x-forwarded-proto", "https"), kind=kind)
    assert (scope["client"][0], scope["scheme"]) == ("203.0.113.7", scheme)


def test_a_wrong_network_is_refused_at_start() -> None:
    """TRUSTED_PROXIES names networks; a slip is said before anything is served."""
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 network"):
        Settings(trusted_proxies="10.0.0.0/99")
