"""Signing programs in and out: /auth."""

from fastapi import Request, Response

from backend.accounts.models import TokenPair, User
from backend.api.deps import BackendDep, SignedIn
from backend.api.openapi.responses import returns
from backend.api.router import Router
from backend.api.schemas import requests
from backend.api.schemas.envelope import Answer, answer

router = Router(prefix="/auth", tags=["Sign-in"])

PAIR_EXAMPLE = {
    "data": {
        "accessToken": "eyJhbGciOiJIUzI1NiIsImtpZCI6IjFhMmIzYzRkIn0.eyJzdWIiOiI2OSJ9.c2lnbmF0dXJl",
        "tokenType": "Bearer",
        "expiresIn": 900,
        "refreshToken": "hpW0yGk3bWQ0n0mEo0G0mJ1yR1m3pQ1V8m0b0c9TjUE",
    }
}


@router.post("/login", **returns(Answer[TokenPair], 401, says="A pair of tokens", example=PAIR_EXAMPLE))
def login(body: requests.SignIn, request: Request, backend: BackendDep) -> Response:
    """Sign in

    Send the access token as `Authorization: Bearer …`; it is good for 15 minutes. Every way to fail gives the same
    answer after the same work. Accounts with a second factor answer 401 `second_factor_needed` with
    `details.challenge`: go on with POST /auth/second-factor.
    """
    device = request.headers.get("user-agent", "")
    return answer(backend.sign_in.sign_in_program(body.email, body.password, device))


@router.post("/refresh", **returns(Answer[TokenPair], 401, says="A fresh pair of tokens", example=PAIR_EXAMPLE))
def refresh(body: requests.Refresh, backend: BackendDep) -> Response:
    """Get fresh tokens

    A refresh token works once. One that was spent before ends its whole session: somebody else holds a copy.
    """
    return answer(backend.sign_in.refresh(body.refresh_token))


@router.post("/logout", **returns(Answer[None], says="The session has ended"))
def logout(viewer: SignedIn, backend: BackendDep) -> Response:
    """Sign out

    Ends the session of this token, its refresh token included.
    """
    backend.accounts.sign_out(viewer)
    return answer(None)


@router.get("/me", **returns(Answer[User], 404, says="The caller's own account"))
def me(viewer: SignedIn, backend: BackendDep) -> Response:
    """Read my account"""
    return answer(backend.accounts.me(viewer))


@router.post(
    "/register",
    **returns(Answer[User], 409, status=201, says="The new account", accepted="A letter to the address asks first"),
)
def register(body: requests.Registration, backend: BackendDep) -> Response:
    """Sign up as a student

    The join code comes from the teacher of the class. Where the school sends mail the answer is 202 whoever has the
    address: a letter to it holds the link that opens the account.
    """
    user = backend.registration.begin_sign_up(
        name=body.name, email=body.email, password=body.password, join_code=body.join_code
    )
    return answer(user, status=201 if user else 202)
