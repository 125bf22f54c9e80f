"""Pages that mails link to, without signing in: unsubscribe, confirm a sign-up, confirm a new address.

Opening an address only asks, sending the form acts: virus scanners open every address in a mail. For the weekly mail,
a mail program's own button posts straight away (RFC 8058).
"""

from html import escape
from typing import Annotated
from urllib.parse import quote

from fastapi import Form, Query, Response

from backend.api.deps import BackendDep
from backend.api.refusals import API
from backend.api.router import Router
from backend.errors import AppError, NotAllowed, NotFound
from backend.kit.i18n import _
from backend.kit.security.passwords import MAX_LENGTH

router = Router(prefix="/mails", include_in_schema=False)

POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
NOT_VALID = 422  # a page for people, where 404 is the API's own words
Token = Annotated[str, Query(max_length=400)]


@router.get("/unsubscribe")
def ask(token: Token = "") -> Response:
    """A page with one button. It tells nobody whose letter it is."""
    form = _form("unsubscribe", token, _("Stop the e-mails"))
    return _page(_("Stop the weekly e-mail?"), _("You can have it again at any time, on your settings page."), form)


@router.post("/unsubscribe")
def leave(backend: BackendDep, token: Token = "") -> Response:
    """No more letters; whatever else the body says is not needed."""
    try:
        backend.digests.leave(token)
    except NotFound as error:
        return _failed(error)
    return _page(_("Done: no more weekly e-mails"), _("You can have them again at any time, on your settings page."))


@router.get("/confirm")
def ask_to_confirm(backend: BackendDep, token: Token = "") -> Response:
    """A page that names the address; a newcomer gives the password that they chose."""
    try:
        awaited = backend.registration.awaited(token)
    except NotFound as error:
        return _failed(error)
    if awaited.kind == "new-address":
        words = _("From then on you sign in with {address}.").format(address=awaited.user.email)
        return _page(_("Use this address?"), words, _form("confirm", token, _("Use this address")))
    return _asked_for_password(awaited.user.email, token)


@router.post("/confirm")
def confirm(
    backend: BackendDep, token: Token = "", password: Annotated[str, Form(max_length=4 * MAX_LENGTH)] = ""
) -> Response:
    """The account is there, or has its new address."""
    try:
        awaited = backend.registration.awaited(token)
        user = backend.registration.confirm(token, password)
    except NotAllowed as error:
        return _asked_for_password(awaited.user.email, token, error.message)
    except AppError as error:
        return _failed(error)
    words = _("From now on you sign in with {address}.").format(address=user.email)
    return _page(_("Done"), words, f'<p><a href="/">{escape(_("Sign in"))}</a></p>')


def _asked_for_password(email: str, token: str, problem: str = "") -> Response:
    words = _("You sign in with {address}. Give the password that you chose when you signed up.").format(address=email)
    field = '<input type="password" name="password" autocomplete="current-password" required>'
    form = _form("confirm", token, _("Open my account"), f"<p><label>{escape(_('Password'))} {field}</label></p>")
    if problem:
        return _page(_("That did not work"), f"{problem} {words}", form, status=NOT_VALID)
    return _page(_("Open your account?"), words, form)


def _form(act: str, token: str, button: str, fields: str = "") -> str:
    action = f"{API}/mails/{act}?token={escape(quote(token, safe=''))}"
    return f'<form method="post" action="{action}">{fields}<button type="submit">{escape(button)}</button></form>'


def _failed(error: AppError) -> Response:
    return _page(_("That did not work"), error.message, status=NOT_VALID)


def _page(title: str, words: str, below: str = "", *, status: int = 200) -> Response:
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="{API}/docs.css"></head>'
        f"<body><main><h1>{escape(title)}</h1><p>{escape(words)}</p>{below}</main></body></html>"
    )
    # Not "no-referrer": the form would then come from nowhere, and be refused like one of another site.
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
    return Response(html, status, headers, "text/html")
