"""/health for load balancers and monitors: open to anyone, without details for attackers."""

from fastapi import Request, Response
from msgspec import to_builtins

from backend.api.deps import BackendDep
from backend.api.errors import failure
from backend.api.openapi.responses import returns
from backend.api.router import Router
from backend.api.schemas.envelope import Answer, answer
from backend.api.schemas.responses import Live
from backend.kit.i18n import _
from backend.operations.models import Readiness, Status

router = Router(prefix="/health", tags=["Health"])


@router.get("", **returns(Answer[Status], 503, says="Everything that is needed works"))
def health(request: Request, backend: BackendDep) -> Response:
    """Health

    Services, timings, uptime and memory. 503 where the app cannot serve, with the same findings in error.details.
    """
    status = backend.operations.status()
    return answer(status) if status.is_ready else _not_ready(request, status)


@router.get("/live", **returns(Answer[Live], says="The process runs"))
def live(backend: BackendDep) -> Response:
    """Liveness

    Touches nothing else: if this fails, restart the process.
    """
    return answer(Live(uptime_seconds=backend.operations.live().uptime_seconds))


@router.get("/ready", **returns(Answer[Readiness], 503, says="Send requests here"))
def ready(request: Request, backend: BackendDep) -> Response:
    """Readiness

    If this fails, send requests to another process for now.
    """
    readiness = backend.operations.ready()
    return answer(readiness) if readiness.is_ready else _not_ready(request, readiness)


def _not_ready(request: Request, findings: Status | Readiness) -> Response:
    return failure(503, "unavailable", _("The service is not available at the moment."), request, to_builtins(findings))
