"""Redis and Valkey: client, connections, sorted sets."""
