"""One's own account: name and address, password, where one is signed in, second factor. Under /auth."""

from typing import Annotated

from fastapi import Path, Request, Response

from backend.accounts.models import (
    FactorSetup,
    FactorState,
    OpenSession,
    ProfileChange,
    RecoveryCodes,
    TokenPair,
    User,
)
from backend.api.deps import BackendDep, SignedIn
from backend.api.openapi.responses import returns
from backend.api.router import Router
from backend.api.routes.auth import PAIR_EXAMPLE
from backend.api.schemas import requests
from backend.api.schemas.envelope import Answer, Listing, answer
from backend.api.schemas.pagination import paged
from backend.kit.model import Shape

router = Router(prefix="/auth", tags=["Sign-in"])

SessionId = Annotated[str, Path(alias="sessionId", max_length=64, title="Id of a session")]

_SESSION = {
    "id": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "kind": "browser",
    "device": "Mozilla/5.0 (X11; Linux x86_64) Firefox/141.0",
    "place": "203.0.113.0/24",
    "createdAt": "2026-11-18T06:30:00Z",
    "lastSeenAt": "2026-11-18T09:10:00Z",
    "endsAt": "2026-12-02T09:10:00Z",
    "isThis": True,
}
SESSIONS_EXAMPLE = {
    "data": [_SESSION],
    "pagination": {"page": 1, "limit": 50, "total": 1, "totalPages": 1, "nextCursor": None},
}
_CODES = {"data": {"codes": ["K7QMX-29HDT", "PW4CR-8ZNE3"]}}


def page_of_sessions(sessions: tuple[OpenSession, ...], query: requests.Page) -> Response:
    """The newest first: when one was opened stays as it is, so a cursor keeps its place while sessions are used."""
    return paged(sessions, query, lambda each: (each.created_at.timestamp(), each.id), descending=True)


class Ended(Shape, frozen=True, kw_only=True):
    """The number of sessions that have ended."""

    ended: int


@router.post(
    "/second-factor", **returns(Answer[TokenPair], 401, 403, 429, says="A pair of tokens", example=PAIR_EXAMPLE)
)
def second_factor(body: requests.SecondFactor, request: Request, backend: BackendDep) -> Response:
    """Sign in, second step

    For accounts with a second factor, POST /auth/login answers 401 `second_factor_needed` with `details.challenge`.
    Send it here within five minutes, with a code of the app or a recovery code. Each code works once.
    """
    device = request.headers.get("user-agent", "")
    return answer(backend.sign_in.complete_program(body.challenge, body.code, device))


@router.post("/reauthenticate", **returns(Answer[None], 403, 429, says="Good for five minutes, in this session"))
def reauthenticate(body: requests.Reauthentication, viewer: SignedIn, backend: BackendDep) -> Response:
    """Give the password again

    Changes of the mail address and of the second factor want it, unless you have signed in less than five minutes
    ago; they answer 403 `reauthentication_needed` otherwise. With a second factor, a code is needed too.
    """
    backend.accounts.reauthenticate(viewer, body.password, body.code)
    return answer(None)


@router.patch("/me", **returns(Answer[User], 403, 404, 409, says="The account after the change"))
def change_me(body: requests.AccountChange, viewer: SignedIn, backend: BackendDep) -> Response:
    """Change my account

    Name, address, goal, exam, study day, leaderboard: all of it, or nothing. The address needs a fresh password, see
    /auth/reauthenticate; where the school sends mail it changes once the link in a letter to it was opened.
    """
    change = ProfileChange(**body.model_dump(exclude={"email"}))
    if body.email is not None:
        return answer(backend.accounts.change_email(viewer, body.email, change))
    return answer(backend.accounts.update_profile(viewer, change))


@router.put("/password", **returns(Answer[None], 403, says="The new password holds; every other session has ended"))
def change_password(body: requests.PasswordChange, viewer: SignedIn, backend: BackendDep) -> Response:
    """Change my password

    The present one is asked for. Every other session ends, of browsers and of programs.
    """
    backend.accounts.change_password(viewer, body.current_password, body.new_password)
    return answer(None)


@router.get(
    "/sessions", **returns(Listing[OpenSession], says="A page of them, the newest first", example=SESSIONS_EXAMPLE)
)
def sessions(query: requests.PageQuery, viewer: SignedIn, backend: BackendDep) -> Response:
    """List my sessions"""
    return page_of_sessions(backend.accounts.sessions(viewer), query)


@router.delete("/sessions", **returns(Answer[Ended], says="Sessions that ended", example={"data": {"ended": 2}}))
def end_other_sessions(viewer: SignedIn, backend: BackendDep) -> Response:
    """Sign out everywhere else

    Ends every session but the one that asks; POST /auth/logout ends that.
    """
    return answer(Ended(ended=backend.accounts.sign_out_elsewhere(viewer)))


@router.delete("/sessions/{sessionId}", **returns(Answer[None], 404, says="The session has ended"))
def end_session(session_id: SessionId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Sign out there

    Ends one of the caller's own sessions, by its id in GET /auth/sessions.
    """
    backend.accounts.end_session(viewer, session_id)
    return answer(None)


@router.get("/second-factor", **returns(Answer[FactorState], says="Its state, and the number of codes left"))
def factor_state(viewer: SignedIn, backend: BackendDep) -> Response:
    """Read the state of my second factor"""
    return answer(backend.second_factor.state(viewer))


@router.post("/second-factor/setup", **returns(Answer[FactorSetup], 403, 409, says="Secret of an authenticator app"))
def begin_factor(viewer: SignedIn, backend: BackendDep) -> Response:
    """Begin a second factor

    Draw `address` as a QR code, or type `secret` into the app; then confirm within half an hour. Needs a fresh
    password.
    """
    return answer(backend.second_factor.begin(viewer))


@router.post(
    "/second-factor/confirm", **returns(Answer[RecoveryCodes], 403, 404, 429, says="Codes to keep", example=_CODES)
)
def confirm_factor(body: requests.Code, viewer: SignedIn, backend: BackendDep) -> Response:
    """Put the second factor into force

    By the first code of the app. The recovery codes are shown this once; every other session ends.
    """
    return answer(backend.second_factor.confirm(viewer, body.code))


@router.post(
    "/second-factor/recovery-codes", **returns(Answer[RecoveryCodes], 403, 404, says="Codes to keep", example=_CODES)
)
def renew_codes(viewer: SignedIn, backend: BackendDep) -> Response:
    """Get new recovery codes

    The old ones stop working. Needs a fresh password.
    """
    return answer(backend.second_factor.renew_codes(viewer))


@router.delete("/second-factor", **returns(Answer[None], 403, 404, 409, says="The password alone is enough now"))
def turn_factor_off(viewer: SignedIn, backend: BackendDep) -> Response:
    """Turn my second factor off

    Needs a fresh password. Refused where the school wants a second factor of the caller's role.
    """
    backend.second_factor.turn_off(viewer)
    return answer(None)
