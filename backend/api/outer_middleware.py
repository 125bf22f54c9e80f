"""The middleware around pages and API alike, outermost first. app.py and the API alone both take it from here."""

from starlette.middleware import Middleware

from backend.api.middleware.client_address import ClientAddress
from backend.api.middleware.draining import Drain, Draining
from backend.api.middleware.error_pages import ErrorPages
from backend.api.middleware.head_requests import HeadRequests
from backend.api.middleware.security import SecurityHeaders
from backend.api.middleware.single_headers import SingleHeaders
from backend.config import Settings


def outer_middleware(settings: Settings, drain: Drain, index_html: str = "") -> list[Middleware]:
    """Return the list; `index_html` is the first page a browser loads, whose scripts the policy allows."""
    return [
        Middleware(Draining, drain=drain),
        Middleware(ClientAddress, trusted_proxies=settings.trusted_proxies),
        Middleware(HeadRequests),
        Middleware(SingleHeaders),
        Middleware(SecurityHeaders, settings=settings, index_html=index_html),
        Middleware(ErrorPages, has_pages=bool(index_html)),
    ]
