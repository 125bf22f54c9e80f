"""ETag, If-None-Match, If-Match and Cache-Control."""

import hashlib
import re
from typing import Any

import msgspec
from fastapi import Request, Response

from backend.accounts.models import Viewer
from backend.api.errors import Malformed, PreconditionRequired
from backend.api.schemas.envelope import answer
from backend.kit.i18n import _

PUBLIC_SECONDS = 300
VARY = "Authorization, Cookie, Sec-Fetch-Site"  # all that decides who asks (credentials.py)
_VERSION_TAG = re.compile(r'"(\d{1,9})(?:-[0-9a-f]+)?"')


def figures(request: Request, value: msgspec.Struct, viewer: Viewer) -> Response:
    """Return figures for this viewer, with an ETag that ignores when they were read."""
    content = msgspec.json.encode(_without_times(msgspec.to_builtins(value)))
    return revalidated(request, answer(value), viewer, content=content)


def revalidated(
    request: Request,
    response: Response,
    viewer: Viewer | None,
    version: int | None = None,
    *,
    content: bytes | None = None,
) -> Response:
    """The response with its ETag and how long it may be kept; 304 without a body where the caller has it already.

    `viewer` is None where nobody is signed in. With `version` the tag begins with it, so that it
    can be given back in If-Match; `content` is what the tag stands for where that is not the whole body.
    """
    digest = hashlib.blake2b(bytes(response.body) if content is None else content, digest_size=12).hexdigest()
    tag = f'"{digest}"' if version is None else f'"{version}-{digest}"'
    response.headers.update({"ETag": tag, **kept_for(viewer)})
    if not has_tag(request.headers.get("if-none-match", ""), tag):
        return response
    kept = {name: value for name, value in response.headers.items() if name not in ("content-length", "content-type")}
    return Response(status_code=304, headers=kept)


def kept_for(viewer: object) -> dict[str, str]:
    """Return the caching headers of an answer: if somebody is signed in, their program alone may keep it."""
    lasting = "private, no-cache" if viewer else f"public, max-age={PUBLIC_SECONDS}"
    return {"Cache-Control": lasting, "Vary": VARY}


def version_of(request: Request, in_body: int | None) -> tuple[int, bool]:
    """The version a change was made from, and whether If-Match said so.

    Raises Malformed for an If-Match that is not a tag of ours, PreconditionRequired where nothing was said.
    """
    named = if_match(request)
    if named is None:
        if in_body is None:
            raise PreconditionRequired(
                _("Say which version you changed: “version” in the body, or its ETag in the header If-Match.")
            )
        return in_body, False
    return named, True


def if_match(request: Request) -> int | None:
    """The version that If-Match names; None without one. Raises Malformed for what is not a tag of ours."""
    given = request.headers.get("if-match")
    if given is None:
        return None
    match = _VERSION_TAG.fullmatch(given.strip())
    if match is None:
        raise Malformed(_("If-Match takes the ETag of one chapter."))
    return int(match[1])


def _without_times(value: Any) -> Any:
    """Return the figures without their times."""
    if isinstance(value, dict):
        return {name: _without_times(each) for name, each in value.items() if name != "asOf"}
    return [_without_times(each) for each in value] if isinstance(value, list | tuple) else value


def has_tag(header: str, tag: str) -> bool:
    """Whether If-None-Match names the tag, compared weakly (RFC 9110 §13.1.2)."""
    names = (name.strip().removeprefix("W/") for name in header.split(","))
    return any(name in ("*", tag) for name in names)
