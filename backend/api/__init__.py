"""The HTTP door: /api/v1."""

from fastapi import FastAPI

from backend.api.errors import install_error_handlers
from backend.api.middleware.deadlines import Deadlines
from backend.api.middleware.kept_answers import KeptAnswers
from backend.api.middleware.rate_limits import Limits
from backend.api.middleware.request_context import RequestContextMiddleware
from backend.api.openapi.document import install_document
from backend.api.request_size import upload_quota
from backend.api.route_table import RouteTable
from backend.api.routes import (
    account,
    admin_sessions,
    administration,
    audit,
    auth,
    backups,
    browser_session,
    chapter_files,
    chapters,
    classrooms,
    docs,
    events,
    health,
    jobs,
    limits,
    mails,
    progress,
    rights,
    statistics,
    websocket,
)
from backend.api.streaming.connections import Streams
from backend.bootstrap import Backend

__all__ = ["create_api"]

ROUTERS = (
    browser_session.router,
    auth.router,
    account.router,
    admin_sessions.router,
    chapter_files.catalogue,  # /chapters/export must be known before /chapters/{chapter_id}
    chapters.router,
    chapter_files.progress,
    progress.router,
    classrooms.router,
    statistics.router,
    administration.router,
    administration.metrics,
    events.router,
    websocket.router,
    health.router,
    limits.router,
    jobs.router,
    backups.router,
    backups.downloads,
    mails.router,
    audit.router,
    rights.own,
    rights.others,
    docs.router,
)


def create_api(backend: Backend | None = None) -> FastAPI:
    """The API as an application to mount under /api/v1. Without `backend`, app.py sets `state.backend` at start."""
    api = FastAPI(
        title="Chapter Performance",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    api.router = RouteTable(ROUTERS)
    api.state.backend = backend
    api.state.streams = Streams()
    api.state.uploads = upload_quota()
    install_error_handlers(api)
    install_document(api)
    api.add_middleware(KeptAnswers)
    api.add_middleware(Limits)
    api.add_middleware(Deadlines)
    api.add_middleware(RequestContextMiddleware)
    return api
