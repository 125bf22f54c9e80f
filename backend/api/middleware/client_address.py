"""The client address of a request: the peer's, or behind a trusted proxy the address that the proxy saw."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

Network = IPv4Network | IPv6Network


def networks(listed: str) -> tuple[Network, ...]:
    """Return the networks of a comma-separated list. Raises ValueError for an invalid one."""
    return tuple(ip_network(each.strip()) for each in listed.split(",") if each.strip())


class ClientAddress:
    """Replaces a trusted proxy's address by the caller's own; headers of other peers are ignored.

    uvicorn reads the headers. What a proxy gives that is no address is no address here either.
    """

    def __init__(self, app: ASGIApp, *, trusted_proxies: str = "") -> None:
        self._app = app
        trusted = [form for each in networks(trusted_proxies) for form in _forms(each)]
        self._entry: ASGIApp = ProxyHeadersMiddleware(self._checked, trusted) if trusted else app  # type: ignore[assignment, arg-type]  # uvicorn has its own types of ASGI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._entry(scope, receive, send)

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("client"):
            scope["client"] = _plain(*scope["client"])
        await self._app(scope, receive, send)


def _forms(network: Network) -> Iterator[str]:
    """The network, and as a server that listens on both kinds of addresses sees it: 10.0.0.1 as ::ffff:10.0.0.1."""
    yield str(network)
    if isinstance(network, IPv4Network):
        yield f"::ffff:{network.network_address}/{96 + network.prefixlen}"


def _plain(host: str, port: int) -> tuple[str, int] | None:
    try:
        address: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address), port
