"""Routes for administrators on other people's sign-ins: sessions and second factors."""

from typing import Annotated

from fastapi import Query, Response

from backend.accounts.models import OpenSession, User
from backend.api.deps import BackendDep, SignedIn
from backend.api.openapi.responses import returns
from backend.api.router import Router
from backend.api.routes.account import SESSIONS_EXAMPLE, Ended, SessionId, page_of_sessions
from backend.api.schemas import requests
from backend.api.schemas.envelope import Answer, Listing, answer
from backend.api.schemas.requests import UserId

router = Router(prefix="/admin", tags=["Administration"])

OfUser = Annotated[str, Query(alias="user", min_length=1, max_length=64, description="Id of a person")]


@router.get(
    "/sessions",
    **returns(Listing[OpenSession], 403, 404, says="A page of them, the newest first", example=SESSIONS_EXAMPLE),
)
def sessions_of(query: Annotated[requests.SessionsQuery, Query()], viewer: SignedIn, backend: BackendDep) -> Response:
    """List a person's sessions"""
    return page_of_sessions(backend.administration.sessions(viewer, query.user), query)


@router.delete(
    "/sessions",
    **returns(Answer[Ended], 403, 404, says="Sessions that ended", example={"data": {"ended": 2}}),
)
def end_sessions_of(user: OfUser, viewer: SignedIn, backend: BackendDep) -> Response:
    """Sign a person out everywhere

    Pages, programs and streams are cut within two seconds. They may sign in again: to prevent that, deactivate them.
    """
    return answer(Ended(ended=backend.administration.end_sessions(viewer, user)))


@router.delete("/sessions/{sessionId}", **returns(Answer[None], 403, 404, says="The session has ended"))
def end_any_session(session_id: SessionId, viewer: SignedIn, backend: BackendDep) -> Response:
    """End a session"""
    backend.administration.end_session(viewer, session_id)
    return answer(None)


@router.delete(
    "/users/{userId}/second-factor", **returns(Answer[User], 403, 404, 409, says="The person, without a second factor")
)
def reset_second_factor(user_id: UserId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Reset a person's second factor

    For somebody who has lost phone and recovery codes. They are signed out everywhere.
    """
    return answer(backend.administration.reset_second_factor(viewer, user_id))
