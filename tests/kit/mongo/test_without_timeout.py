"""Long work is not ended by the time limit that every client has."""

import pymongo

from backend.kit.embedded import Servers
from backend.kit.mongo.guarded_client import without_timeout


def test_a_clients_own_limit_does_not_hold(servers: Servers) -> None:
    """A client that may take one millisecond connects and reads within the block."""
    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(str(servers.mongodb_uri), timeoutMS=1)
    try:
        with without_timeout():
            assert client.admin.command("ping")["ok"] == 1
    finally:
        client.close()
