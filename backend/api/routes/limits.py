"""/admin/limits: how rate limits stand."""

from fastapi import Response

from backend.api.deps import BackendDep, SignedIn
from backend.api.openapi.responses import returns
from backend.api.router import Router
from backend.api.schemas.envelope import Answer, answer
from backend.limits.models import LimitsReport

router = Router(prefix="/admin/limits", tags=["Administration"])


@router.get("", **returns(Answer[LimitsReport], 403, says="The share of the allowances that is given, and why"))
def limits(viewer: SignedIn, backend: BackendDep) -> Response:
    """Read the state of the limits

    Of the process that answers: what presses on it, where limits are kept, and how often they were met.
    """
    return answer(backend.limits.report(viewer))
