"""MongoDB: client, metrics, and what every user of it shares."""
