"""Boards over a test's backend, from the store that a test asks for."""

from msgspec.structs import replace

from backend.accounts.models import ProfileChange, Viewer
from backend.boards.board_store import BoardStore
from backend.boards.queries import BoardQueries
from backend.boards.service import BoardService
from backend.bootstrap import Backend
from backend.kit.cache import Cache
from backend.kit.redis.client import Client


def keeper_of(
    backend: Backend, *, is_kept: bool = True, client: Client | None = None, cache: Cache | None = None
) -> BoardStore:
    """A keeper as another process would have it; `is_kept` stands for a projector at work."""
    return BoardStore(
        BoardQueries(backend.mongo),
        client or backend.redis_client,
        cache or Cache(None),
        backend.clock,
        backend.events,
        namespace=backend.settings.mongodb_database,
        is_projected=lambda: is_kept,
    )


def boards_of(
    backend: Backend, *, is_kept: bool, client: Client | None = None, cache: Cache | None = None
) -> BoardService:
    """Boards that come from Redis where they are kept, else from MongoDB; nothing cached unless a cache is given."""
    return BoardService(
        BoardQueries(backend.mongo),
        keeper_of(backend, is_kept=is_kept, client=client, cache=cache),
        backend.classrooms,
        backend.progress,
        cache or Cache(None),
        backend.clock,
    )


def joined(backend: Backend, viewer: Viewer, name: str) -> Viewer:
    """The viewer after she joined the boards under a name."""
    backend.accounts.update_profile(viewer, ProfileChange(board_joined=True, board_name=name))
    return replace(viewer, board_joined=True, board_name=name)
