"""Giving up the weekly letter by the address in it, without signing in: opening it asks, sending the form does it.

A mail program's own button posts straight away (RFC 8058). Opening alone changes nothing, because programs that look
for danger open every address in a mail.
"""

from html import escape
from typing import Annotated

from fastapi import APIRouter, Query, Response

from backend.api.deps import BackendDep
from backend.api.document import BASE
from backend.errors import NotFound
from backend.kit.i18n import _

router = APIRouter(prefix="/mails", include_in_schema=False)

POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
NOT_VALID = 422  # a page for people, where 404 is the API's own words
Token = Annotated[str, Query(max_length=400)]


@router.get("/unsubscribe")
def ask(token: Token = "") -> Response:
    """A page with one button. It tells nobody whose letter it is."""
    button = (
        f'<form method="post" action="{BASE}/mails/unsubscribe?token={escape(token)}">'
        f'<button type="submit">{escape(_("Stop the letters"))}</button></form>'
    )
    return _page(_("Stop the weekly letter?"), _("You can have it again at any time, on your settings page."), button)


@router.post("/unsubscribe")
def leave(backend: BackendDep, token: Token = "") -> Response:
    """No more letters; whatever else the body says is not needed."""
    try:
        backend.digests.leave(token)
    except NotFound as error:
        return _page(_("That did not work"), error.message, status=NOT_VALID)
    return _page(_("Done: no more weekly letters"), _("You can have them again at any time, on your settings page."))


def _page(title: str, words: str, below: str = "", *, status: int = 200) -> Response:
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="{BASE}/docs.css"></head>'
        f"<body><main><h1>{escape(title)}</h1><p>{escape(words)}</p>{below}</main></body></html>"
    )
    # Not "no-referrer": the form would then come from nowhere, and be refused like one of another site.
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
    return Response(html, status, headers, "text/html")
