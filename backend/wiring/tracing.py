"""Steps of traces around the acts of services and the commands to Redis. Only where TRACES_URL is set."""

from typing import Any

from backend import __version__
from backend.config import Settings
from backend.kit.observability import tracing
from backend.kit.redis.client import Client
from backend.policy import ACTS


def begin(settings: Settings, role: str, instance: str) -> None:
    """Send traces of this process from now on, where the settings say to where. Raises Unavailable."""
    if settings.traces_url:
        facts = {
            "service.name": "chapter-performance",
            "service.version": __version__,
            "service.instance.id": instance,
            "service.namespace": settings.mongodb_database,
            "chapter.role": role,
        }
        tracing.begin(settings.traces_url, settings.traces_share, facts)


def instrument(services: Any, client: Client) -> None:
    """Make every act of the policy table, and every command to Redis, a step of the trace it happens in."""
    for act in ACTS:
        name, _dot, method = act.partition(".")
        service = getattr(services, name, None)
        if callable(getattr(service, method, None)):
            setattr(service, method, tracing.stepped(act, getattr(service, method)))
    _instrument_redis(client)


def _instrument_redis(client: Any) -> None:
    send, pipeline = client.execute_command, client.pipeline

    def execute_command(*args: Any, **options: Any) -> Any:
        with tracing.step(f"redis {str(args[0]).upper()}", **{"db.system": "redis"}):
            return send(*args, **options)

    def stepped_pipeline(*args: Any, **options: Any) -> Any:
        made = pipeline(*args, **options)
        made.execute = tracing.stepped("redis PIPELINE", made.execute)
        return made

    client.execute_command, client.pipeline = execute_command, stepped_pipeline
