"""Background jobs by HTTP: when each is due, how its last runs ended, and a run now. For administrators."""

from typing import Annotated, Any

from fastapi import Path, Response

from backend.api.deps import BackendDep, SignedIn
from backend.api.openapi.responses import returns
from backend.api.router import Router
from backend.api.schemas.envelope import Answer, answer
from backend.operations.jobs import JobReport

router = Router(prefix="/admin/jobs", tags=["Administration"])

ACCEPTED = 202
Name = Annotated[str, Path(max_length=40, description="Such as warming")]

_JOB: dict[str, Any] = {
    "name": "retention",
    "cron": "15 4 * * *",
    "timeZone": "Asia/Kolkata",
    "makesUp": True,
    "isTended": True,
    "nextAt": "2026-11-18T22:45:00Z",
    "askedFor": None,
    "runs": [
        {
            "slot": "2026-11-17T22:45:00Z",
            "kind": "slot",
            "state": "done",
            "startedAt": "2026-11-17T22:45:00.412Z",
            "seconds": 0.137,
            "attempt": 1,
            "outcome": "0 runs, 0 plans and 12 audit entries forgotten",
            "log": [],
            "share": None,
            "doing": "",
        }
    ],
}


@router.get("", **returns(Answer[tuple[JobReport, ...]], 403, says="Every job by its name", example={"data": [_JOB]}))
def list_jobs(viewer: SignedIn, backend: BackendDep) -> Response:
    """List background jobs

    With the five newest runs of each. `isTended` is false where no process is there to run it.
    """
    return answer(backend.jobs.jobs(viewer))


@router.post(
    "/{name}/run",
    **returns(
        Answer[JobReport], 403, 404, 503, status=ACCEPTED, says="It begins within two seconds", example={"data": _JOB}
    ),
)
def run_job(name: Name, viewer: SignedIn, backend: BackendDep) -> Response:
    """Run a job now

    Once, by whichever process is first, and never beside a run of the same job; ask again for how it ended.
    """
    return answer(backend.jobs.run(viewer, name), status=ACCEPTED)
