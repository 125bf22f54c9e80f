"""The client address of a request: the peer's, or behind a trusted proxy the address that the proxy saw."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

Network = IPv4Network | IPv6Network
HOPS = 20


def networks(listed: str) -> tuple[Network, ...]:
    """Return the networks of a comma-separated list. Raises ValueError for an invalid one."""
    return tuple(ip_network(each.strip()) for each in listed.split(",") if each.strip())


class ClientAddress:
    """Replaces a trusted proxy's address by the caller's own; headers of other peers are ignored."""

    def __init__(self, app: ASGIApp, *, trusted_proxies: str = "") -> None:
        self._app = app
        self._trusted = networks(trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._trusted and scope["type"] in ("http", "websocket"):
            self._resolve(scope)
        await self._app(scope, receive, send)

    def _resolve(self, scope: Scope) -> None:
        client = scope.get("client")
        if not client or not _is_in(client[0], self._trusted):
            return
        forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        address = caller_of(client[0], b",".join(forwarded).decode("latin-1"), self._trusted)
        scope["client"] = (address, 0)
        proto = next((value for name, value in scope["headers"] if name == b"x-forwarded-proto"), b"")
        if proto in (b"https", b"http"):
            secure = proto == b"https"
            scope["scheme"] = ("wss" if secure else "ws") if scope["type"] == "websocket" else proto.decode()


def caller_of(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The last address that no trusted proxy has, read from the right: only what trusted hands wrote counts."""
    address = peer
    for each in reversed(forwarded_for.split(",")[-HOPS:]):
        hop = _plain(each)
        if not hop:
            break
        address = hop
        if not _is_in(hop, trusted):
            break
    return address


@lru_cache(1024)
def _is_in(address: str, trusted: Sequence[Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(_unmapped(found) in network for network in trusted)


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """A server that listens on both kinds of addresses sees 10.0.0.1 as ::ffff:10.0.0.1."""
    return getattr(address, "ipv4_mapped", None) or address


def _plain(hop: str) -> str:
    """The address in "203.0.113.7", "203.0.113.7:4711" or "[2001:db8::1]:4711"; "" for what is none."""
    hop = hop.strip().strip('"')
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(_unmapped(ip_address(hop)))
    except ValueError:
        return ""
