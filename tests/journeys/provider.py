"""An OpenID provider of a school, as a process of its own: python -m tests.journeys.provider PORT.

Whoever comes types who she is. It asks for PKCE (S256), signs with RS256, and hands out each code once.
"""

import base64
import hashlib
import html
import secrets
import sys
import time
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "chapter-performance-at-school", "what only the school and its provider know"
KEY = RSAKey.generate_key(2048, {"kid": "2026", "use": "sig", "alg": "RS256"})
FORM = """<!doctype html><html lang="en"><title>The school's provider</title><h1>Who are you?</h1>
<form method="post" action="/authorize?{query}">
<label>Subject <input name="sub"></label><label>Mail <input name="email"></label>
<label><input type="checkbox" name="verified"> verified</label><button>Go on</button></form>"""


def provider(issuer: str) -> Starlette:
    """The provider under this address."""
    codes: dict[str, dict[str, Any]] = {}

    async def metadata(_request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def keys(_request: Request) -> Response:
        return JSONResponse(KeySet([KEY]).as_dict(private=False))

    async def authorize(request: Request) -> Response:
        asked = dict(request.query_params)
        if asked.get("client_id") != CLIENT or asked.get("code_challenge_method") != "S256":
            return Response("unknown client, or no PKCE", 400)
        if request.method == "GET":
            return HTMLResponse(FORM.format(query=html.escape(request.url.query)))
        typed = dict(await request.form())
        code = secrets.token_urlsafe(16)
        codes[code] = {"asked": asked, "typed": typed}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303)

    async def token(request: Request) -> Response:
        sent = dict(await request.form())
        found = codes.pop(str(sent.get("code")), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '+')}".encode()).decode()
        plain = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        is_client = request.headers.get("authorization") in (f"Basic {basic}", f"Basic {plain}")
        verifier = hashlib.sha256(str(sent.get("code_verifier", "")).encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if not found or not is_client or found["asked"]["code_challenge"] != challenge:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(
            {
                "access_token": secrets.token_urlsafe(16),
                "token_type": "Bearer",
                "expires_in": 300,
                "id_token": jwt.encode({"alg": "RS256", "kid": "2026"}, _claims(issuer, found), KEY),
            }
        )

    paths = {"/.well-known/openid-configuration": metadata, "/keys": keys, "/authorize": authorize, "/token": token}
    return Starlette(routes=[Route(path, end, methods=["GET", "POST"]) for path, end in paths.items()])


def _claims(issuer: str, found: dict[str, Any]) -> dict[str, Any]:
    now, typed = int(time.time()), found["typed"]
    return {
        "iss": issuer,
        "aud": CLIENT,
        "sub": typed["sub"],
        "iat": now,
        "exp": now + 300,
        "nonce": found["asked"]["nonce"],
        "email": typed["email"],
        "email_verified": "verified" in typed,
        "name": f"Somebody {typed['sub']}",
    }


if __name__ == "__main__":
    port = int(sys.argv[1])
    uvicorn.run(provider(f"http://localhost:{port}"), host="127.0.0.1", port=port, log_level="warning")
