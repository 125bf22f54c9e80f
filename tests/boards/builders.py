"""Boards over a test's backend, from the store that a test asks for."""

from backend.boards.keeper import BoardKeeper
from backend.boards.queries import BoardQueries
from backend.boards.service import BoardService
from backend.bootstrap import Backend
from backend.kit.redis import Client


def keeper_of(backend: Backend, client: Client | None = None, *, is_kept: bool = True) -> BoardKeeper:
    """A keeper as another process would have it; `is_kept` stands for a projector at work."""
    return BoardKeeper(
        BoardQueries(backend.mongo),
        client or backend.redis_client,
        backend.cache,
        backend.clock,
        backend.events,
        namespace=backend.settings.mongodb_database,
        is_projected=lambda: is_kept,
    )


def boards_of(backend: Backend, *, is_kept: bool, client: Client | None = None) -> BoardService:
    """Boards that come from Redis where they are kept, else from MongoDB."""
    return BoardService(
        BoardQueries(backend.mongo),
        keeper_of(backend, client, is_kept=is_kept),
        backend.classrooms,
        backend.progress,
        backend.cache,
        backend.clock,
    )
