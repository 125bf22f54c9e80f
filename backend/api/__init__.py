"""The HTTP door: /api/v1."""

from fastapi import FastAPI

from backend.api import browser
from backend.api.errors import install_error_handlers
from backend.bootstrap import Backend

__all__ = ["create_api"]


def create_api(backend: Backend | None = None) -> FastAPI:
    """The API as an application to mount under /api/v1. Without `backend`, app.py sets `state.backend` at start."""
    api = FastAPI(title="Chapter Performance", version="1", docs_url=None, redoc_url=None)
    api.state.backend = backend
    install_error_handlers(api)
    api.include_router(browser.router)
    return api
