"""Sign-in of a browser: a page gives out a one-time ticket, this route exchanges it for the session cookie.

A websocket cannot set a cookie, so the page's script posts the ticket here. The ticket is bound to the `browser`
cookie of the person who typed the password, so nobody can sign another person in to their own account.
"""

from fastapi import Request, Response
from pydantic import BaseModel, Field

from backend.api.credentials import SESSION_COOKIE
from backend.api.deps import BackendDep
from backend.api.middleware.browser_cookie import BROWSER_COOKIE
from backend.api.raw_headers import cookie, cookies
from backend.api.router import Router
from backend.errors import NotAllowed
from backend.kit.i18n import _

PROVIDER_COOKIES = "_streamlit_user"  # Streamlit's, and their parts
SESSION_SECONDS = 60 * 24 * 3600

router = Router(prefix="/auth/browser-session", include_in_schema=False)


class Ticket(BaseModel):
    ticket: str = Field(min_length=20, max_length=100)


@router.post("", status_code=204)
def open_session(ticket: Ticket, request: Request, backend: BackendDep) -> Response:
    """Exchange a ticket for the session cookie."""
    _require_same_origin(request)
    browser = cookie(request.scope, BROWSER_COOKIE)
    token = backend.sign_in.redeem_ticket(ticket.ticket, browser, request.headers.get("user-agent", ""))
    response = Response(status_code=204)
    secure = backend.settings.cookie_secure
    response.set_cookie(
        SESSION_COOKIE, token, max_age=SESSION_SECONDS, path="/", httponly=True, samesite="lax", secure=secure
    )
    for name in {name for name, _value in cookies(request.scope)}:
        if name.startswith(PROVIDER_COOKIES):  # what the provider said has become a session: nobody needs it any more
            response.delete_cookie(name, path="/", httponly=True, samesite="lax")
    return response


@router.delete("", status_code=204)
def drop_session(request: Request, backend: BackendDep) -> Response:
    """Take the session cookie away; the page has ended the session itself."""
    _require_same_origin(request)
    response = Response(status_code=204)
    response.delete_cookie(
        SESSION_COOKIE, path="/", httponly=True, samesite="lax", secure=backend.settings.cookie_secure
    )
    return response


def _require_same_origin(request: Request) -> None:
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise NotAllowed(_("This request came from another site."))
