"""Host and origin checks, and security headers, for every request to pages and API.

Pure ASGI with headers made once: it costs a few comparisons of bytes a request.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.refusals import is_of_api, refused
from backend.config import Settings
from backend.kit.i18n import _

# Asked by load balancers under whatever address they know; it tells nothing that depends on the host.
FOR_ANY_HOST = ("/api/v1/health", "/_stcore/health")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HSTS_SECONDS = 365 * 24 * 3600
_HOST = re.compile(rb"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_UNUSED_FEATURES = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media",
    "geolocation", "gyroscope", "hid", "local-fonts", "magnetometer", "microphone", "midi", "payment",
    "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip

Header = tuple[bytes, bytes]


def content_policy(index_html: str, *, is_https: bool) -> str:
    """The content security policy of the pages.

    Scripts: this server's own files, the inline ones of `index_html` by their hashes, and blob: because Streamlit
    starts a page's components from one. Styles may be inline: its style engine writes them while drawing.
    """
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in _INLINE_SCRIPT.findall(index_html))
    parts = [
        "default-src 'none'",
        f"script-src 'self' blob: {hashes}".rstrip(),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "media-src 'none'",
        "manifest-src 'none'",
        "worker-src 'none'",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
    return "; ".join([*parts, "upgrade-insecure-requests"] if is_https else parts)


class SecurityHeaders:
    """Refuses requests for foreign hosts and writes from foreign pages, and sets headers that no answer may lack."""

    def __init__(self, app: ASGIApp, *, settings: Settings, index_html: str) -> None:
        self._app = app
        self._has_pages = bool(index_html)
        self._hosts = settings.hosts
        self._own = urlsplit(settings.public_url or "").netloc.lower()
        https = _https(settings.cookie_secure)
        policy = content_policy(index_html, is_https=settings.cookie_secure)
        self._for_api: tuple[Header, ...] = (
            https  # the others come from RequestContextMiddleware; those of documents from docs_page
        )
        self._for_pages: tuple[Header, ...] = (
            *https,
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"permissions-policy", ", ".join(f"{feature}=()" for feature in _UNUSED_FEATURES).encode()),
            (b"x-permitted-cross-domain-policies", b"none"),
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        host, origin, site = _said(scope["headers"])
        path: str = scope["path"]
        refusal = self._refusal(scope, path, host, origin, site)
        if scope["type"] == "websocket":
            if refusal:
                await _refuse_socket(receive, send)
            else:
                await self._app(scope, receive, send)
            return
        is_api = is_of_api(path) and not refusal

        async def send_shielded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                message["headers"] = [*headers, *self._for_api] if is_api else _with(headers, self._for_pages)
            await send(message)

        if refusal:
            answer = refused(scope, *refusal, has_pages=self._has_pages)
            await answer(scope, receive, send_shielded)
        else:
            await self._app(scope, receive, send_shielded)

    def _refusal(
        self, scope: Scope, path: str, host: bytes | None, origin: bytes, site: bytes
    ) -> tuple[int, str] | None:
        """Return the status and why this request is not answered; None where it is."""
        if host is None or not _HOST.fullmatch(host):
            return 400, _("The Host header is missing or malformed.")
        if self._hosts is not None and not path.startswith(FOR_ANY_HOST) and not _fits(_name(host), self._hosts):
            return 400, _("This server does not answer under that name. To allow it: PUBLIC_URL, ALLOWED_HOSTS.")
        is_write = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if is_write and self._is_foreign(host, origin, site):
            return 403, _("This request came from another site.")
        return None

    def _is_foreign(self, host: bytes, origin: bytes, site: bytes) -> bool:
        """Whether a page of another site is behind it. Programs say neither Origin nor Sec-Fetch-Site."""
        if site and site not in (b"same-origin", b"none"):
            return True
        if not origin:
            return False
        netloc = origin.decode("latin-1").lower().partition("://")[2]
        return netloc not in (host.decode("latin-1").lower(), self._own or None)


def answers_to_localhost_alone(settings: Settings) -> bool:
    """Whether a production start was told neither its address nor its names."""
    return settings.is_production and not (settings.public_url or settings.allowed_hosts)


def _https(is_https: bool) -> tuple[Header, ...]:
    return ((b"strict-transport-security", f"max-age={HSTS_SECONDS}".encode()),) if is_https else ()


def _said(headers: Iterable[Header]) -> tuple[bytes | None, bytes, bytes]:
    """Host (None where there is none), Origin and Sec-Fetch-Site of a request, each of which stands once."""
    host: bytes | None = None
    origin = site = b""
    for name, value in headers:
        if name == b"host":
            host = value
        elif name == b"origin":
            origin = value
        elif name == b"sec-fetch-site":
            site = value
    return host, origin, site


def _name(host: bytes) -> str:
    text = host.decode("latin-1").lower()
    return text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0]


def _fits(name: str, allowed: frozenset[str]) -> bool:
    return name in allowed or any(each.startswith("*.") and name.endswith(each[1:]) for each in allowed)


def _with(headers: Iterable[Header], added: tuple[Header, ...]) -> list[Header]:
    """The headers of an answer and those of `added` that it does not set itself."""
    present = {name.lower() for name, _value in headers}
    return [*headers, *(each for each in added if each[0] not in present)]


async def _refuse_socket(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008})


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
