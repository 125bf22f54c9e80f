"""The first HTML file that a browser loads: Streamlit's, with the product's title, icon and sentences."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from backend.api.middleware.browser_cookie import BrowserCookie
from backend.api.static_files import Encoding, accepted, compressed

# Streamlit's script guesses under which path its server answers, trying each of them: at /settings it asks
# /settings/_stcore/health, which is not found, in vain. Told the address, it asks that one alone.
_HERE = 'window.__streamlit = { BACKEND_BASE_URL: location.origin + "/" };'
_FIRST_SCRIPT = "<script>"
# The empty window is dark already where the reader wants it dark, and does not flash white.
_BOTH_SCHEMES = '<meta name="color-scheme" content="light dark" />'
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)
_ICON = re.compile(r'<link rel="shortcut icon"[^>]*>')
_FOREIGN_FONT = re.compile(r'<link\s+rel="preload"[^>]*?as="font"[^>]*>', re.DOTALL)
_END_OF_HEAD = re.compile(r"</head>")
_IMPORTED = re.compile(r'(?:from|import)"\./([\w.-]+\.js)"')
_ROOT = re.compile(r'<div id="root"></div>')
_WITHOUT_SCRIPTS = re.compile(r"<noscript>.*?</noscript>", re.DOTALL)


def shell_html(
    streamlits: str,
    *,
    title: str,
    icon: str,
    fonts: Iterable[str],
    style: str,
    scripts: Iterable[str],
    chunks: Iterable[str],
    meanwhile: str,
    without_scripts: str,
) -> str:
    """Streamlit's index.html with the product's title, icon, fonts and scripts. Raises ValueError for a missing place.

    `icon`, `fonts`, `style`, `scripts` (modules, run before Streamlit's) and `chunks` (modules that it will want) are
    addresses on this server. `meanwhile` is HTML that stands in the window until Streamlit's script draws,
    `without_scripts` a sentence for browsers that run none. All are the product's own, and go in as they are.
    """
    preloads = "\n    ".join(
        f'<link rel="preload" href="{font}" as="font" type="font/woff2" crossorigin />' for font in fonts
    )
    sheet = f'\n    <link rel="stylesheet" href="{style}" />'
    modules = "".join(f'\n    <script type="module" src="{script}"></script>' for script in scripts)
    later = "".join(f'<link rel="modulepreload" crossorigin href="{chunk}">\n    ' for chunk in chunks)
    html = _put(_TITLE, f"<title>{title}</title>\n    {_BOTH_SCHEMES}{sheet}{modules}", streamlits)
    html = _put(_ICON, f'<link rel="shortcut icon" href="{icon}" />', html)
    html = _put(_FOREIGN_FONT, preloads, html)
    html = _put(_WITHOUT_SCRIPTS, f"<noscript><p>{without_scripts}</p></noscript>", html)
    html = _put(_END_OF_HEAD, f"{later}</head>", html)
    html = _put(_ROOT, f'<div id="root">{meanwhile}</div>', html)
    return _put(re.compile(_FIRST_SCRIPT), f"{_FIRST_SCRIPT}{_HERE}</script>\n    {_FIRST_SCRIPT}", html)


def with_imports(folder: Path, names: Iterable[str]) -> list[str]:
    """The scripts of these names ("Button" for Button.Cx1.js) in `folder`, and all that they import, as file names.

    A name without a script is left out: another Streamlit may call it otherwise, and loads it when it wants it.
    """
    found: list[str] = []
    waiting = [file.name for name in names for file in sorted(folder.glob(f"{name}.*.js"))]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.append(name)
            waiting += _IMPORTED.findall((folder / name).read_text("utf-8"))
    return sorted(found)


def _put(place: re.Pattern[str], words: str, html: str) -> str:
    changed, count = place.subn(lambda _match: words, html, count=1)
    if not count:
        raise ValueError(f"index.html of this Streamlit has no place like {place.pattern}")
    return changed


def shell_routes(html: str, paths: Iterable[str], *, secure: bool) -> list[Route]:
    """Serves `html` at the pages' paths, instead of Streamlit's own; a browser that has it is told so with a 304.

    A browser without a name gets one in a cookie, which `secure` keeps to https.
    """
    plain = html.encode()
    bodies: dict[Encoding | None, bytes] = {
        None: plain,
        "gzip": compressed(plain, "gzip"),
        "br": compressed(plain, "br"),
    }
    etag = f'W/"{hashlib.sha256(plain).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "no-cache", "vary": "Accept-Encoding"}

    async def shell(request: Request) -> Response:
        if etag.removeprefix("W/") in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        encoding = accepted(request.headers.get("accept-encoding", ""))
        more = {"content-encoding": encoding} if encoding else {}
        return HTMLResponse(bodies[encoding], headers=headers | more)

    named = [Middleware(BrowserCookie, secure=secure)]
    return [Route(f"/{path}", shell, methods=["GET"], middleware=named) for path in paths]
