"""Addresses of the OpenAPI document and of the page made from it: no script, nothing from another host."""

from functools import cache
from pathlib import Path

import msgspec
from fastapi import FastAPI, Request, Response

from backend.api.etags import revalidated
from backend.api.openapi.html import page
from backend.api.refusals import API
from backend.api.router import Router

STYLE = Path(__file__).resolve().parents[1] / "openapi" / "static" / "docs.css"
OF_A_DOCUMENT = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; font-src 'self'; img-src data:; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}

router = Router(include_in_schema=False)


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """The document itself."""
    return revalidated(request, Response(_document(request.app), media_type="application/json"), None)


@router.get("/docs")
def docs(request: Request) -> Response:
    """The document as a page for people."""
    response = Response(page(request.app.openapi(), f"{API}/docs.css", f"{API}/openapi.json"), media_type="text/html")
    response.headers.update(OF_A_DOCUMENT)
    return revalidated(request, response, None)


@router.get("/docs.css")
def style(request: Request) -> Response:
    """The page's style sheet."""
    return revalidated(request, Response(_style(), media_type="text/css"), None)


@cache
def _document(api: FastAPI) -> bytes:
    return msgspec.json.encode(api.openapi())


@cache
def _style() -> bytes:
    return STYLE.read_bytes()
