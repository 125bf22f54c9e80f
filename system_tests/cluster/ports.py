"""Ports of this machine for servers that somebody else starts a moment later."""

import random
from itertools import islice

from backend.kit.embedded import mongod

_PORTS = range(10_000, 20_000)  # the private servers have those above, and outgoing connections those from 32768


def free_ports(count: int) -> list[int]:
    """Ports of loopback that were free a moment ago, all different; no outgoing connection is ever given one."""
    free = (port for port in random.sample(_PORTS, len(_PORTS)) if mongod.is_free(port))
    return list(islice(free, count))


def free_port() -> int:
    """A port of loopback that was free a moment ago."""
    return free_ports(1)[0]
