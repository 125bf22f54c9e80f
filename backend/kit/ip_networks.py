"""The network of an address, because whole addresses may not be stored."""

from ipaddress import IPv6Address, ip_address, ip_network

IPV4_BITS, IPV6_BITS = 24, 48  # a street rather than a house


def network_of(address: str) -> str:
    """The network of an IP address, "203.0.113.0/24" or "2001:db8:1::/48"; "" for this machine, or no address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    if found.is_loopback:
        return ""
    bits = IPV4_BITS if found.version == 4 else IPV6_BITS  # noqa: PLR2004  (the version's name)
    return str(ip_network(f"{found}/{bits}", strict=False))
