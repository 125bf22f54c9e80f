"""Backups by HTTP: what there is, long work on them, and the way back. For administrators."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from pydantic import Field

from backend.api.deps import BackendDep, SignedIn
from backend.api.openapi.responses import failed, returns
from backend.api.router import DecidingRoute, Router
from backend.api.schemas.envelope import Answer, answer
from backend.api.schemas.requests import Body, Moment
from backend.backups.models import BackupReport, DownloadLink, Preview, Task
from backend.errors import AppError
from backend.kit.model import Shape


class LinkRoute(DecidingRoute):
    """A link that a browser opens: a refusal leads it to the page that says why."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        decide = super().get_route_handler()

        async def lead(request: Request) -> Response:
            try:
                return await decide(request)
            except AppError as error:
                if "text/html" not in request.headers.get("accept", ""):
                    raise
                return RedirectResponse(f"/backups?refused={error.code}", status_code=SEE_OTHER)

        return lead


router = Router(prefix="/admin/backups", tags=["Administration"])
downloads = Router(prefix="/admin/backups", tags=["Administration"], route_class=LinkRoute)

ACCEPTED, SEE_OTHER = 202, 303
BackupId = Annotated[
    str, Path(alias="backupId", title="Id of a backup", json_schema_extra={"pattern": "^[A-Za-z0-9_-]{1,64}$"})
]
Until = Annotated[Moment | None, Query(description="Back to this second, RFC 3339 with its offset")]

_ID = "2026-11-22T20-30-00Z-3f2a"
_BACKUP: dict[str, Any] = {
    "id": _ID,
    "takenAt": "2026-11-22T20:30:00Z",
    "seconds": 1.52,
    "documents": 30854,
    "storedBytes": 978412,
    "rawBytes": 8211904,
    "collections": 14,
    "isSealed": True,
    "appVersion": "0.1.0",
    "serverVersion": "6.0.5",
}
_REPORT: dict[str, Any] = {
    "state": {
        "isConfigured": True,
        "place": "s3://school-backups/chapter-performance",
        "last": _BACKUP,
        "failure": "",
        "failedAt": None,
        "drill": None,
        "journalUntil": "2026-11-23T04:12:30Z",
        "journalFrom": "2026-11-20T20:29:50Z",
        "reach": {"since": "2026-11-20T20:30:00Z", "until": "2026-11-23T04:12:30Z"},
        "isSealed": True,
        "keepsJournal": True,
        "canRollBack": False,
    },
    "backups": [
        {
            "backup": _BACKUP,
            "checks": {"id": _ID, "verifiedAt": None, "damage": "", "drilledAt": None, "drillProblems": []},
        }
    ],
    "keptDaily": 7,
    "keptWeekly": 4,
    "keptMonthly": 12,
    "isMailSent": True,
}
_TASK: dict[str, Any] = {
    "id": "69238f0b8a3c5e0b1c000001",
    "kind": "take",
    "state": "running",
    "backupId": "",
    "until": None,
    "share": 0.42,
    "collection": "activity",
    "startedAt": "2026-11-23T04:13:00Z",
    "endedAt": None,
    "message": "",
    "askedBy": "69238f0b8a3c5e0b1c000002",
}
_PREVIEW: dict[str, Any] = {
    "backup": _BACKUP,
    "until": "2026-11-22T20:30:00Z",
    "collections": [{"name": "activity", "now": 17690, "then": 17684}],
}
_LINK: dict[str, Any] = {
    "backupId": _ID,
    "ticket": "YjI5ZCAyMDI2LTExLTIy.Qm9ndXNTaWduYXR1cmU",
    "expiresAt": "2026-11-23T04:18:00Z",
    "name": f"chapter-performance-{_ID}.tar",
    "size": 998400,
    "isSealed": True,
}
_TAR = "application/x-tar"
_FILE: dict[int | str, Any] = {
    200: {
        "description": "A tar of the files of the backup, as they are stored; its manifest comes last",
        "content": {_TAR: {"schema": {"type": "string", "contentMediaType": _TAR}}},
    },
    303: {"description": "A browser whose link is refused is led to the page that says why"},
    403: failed(403),
    404: failed(404),
}
_BEGUN = "It has begun; GET /admin/backups/task says how far it is"


class LastTask(Shape, frozen=True, kw_only=True):
    """Null before the first."""

    task: Task | None


class Restoring(Body):
    """The moment, and the word that confirms it. Neither id nor time: the newest backup."""

    backup_id: str | None = Field(None, max_length=64, description="Else the newest before `until`")
    until: Annotated[Moment | None, Field(strict=False)] = Field(
        None, description="Back to this second, RFC 3339 with its offset", examples=["2026-11-20T14:03:00Z"]
    )
    confirm: Literal["restore"] = Field(description="The word “restore”", examples=["restore"])


class RollingBack(Body):
    confirm: Literal["undo"] = Field(description="The word “undo”", examples=["undo"])


@router.get("", **returns(Answer[BackupReport], 403, 503, says="Every backup, newest first", example={"data": _REPORT}))
def list_backups(viewer: SignedIn, backend: BackendDep) -> Response:
    """List backups

    With what was found when each was read again, the last failure, and how far the journal reaches.
    """
    return answer(backend.backups.report(viewer))


@router.get(
    "/task",
    **returns(Answer[LastTask], 403, says="The work under way, else the last", example={"data": {"task": _TASK}}),
)
def current_task(viewer: SignedIn, backend: BackendDep) -> Response:
    """Read the progress of work on backups

    One at a time in the whole school. `share` goes from 0 to 1; `message` says how it ended. Null before the first.
    """
    return answer(LastTask(task=backend.backup_tasks.current(viewer)))


@router.get(
    "/preview",
    **returns(Answer[Preview], 403, 404, 503, says="Its changes", example={"data": _PREVIEW}),
)
def preview_restore(
    viewer: SignedIn,
    backend: BackendDep,
    backup_id: Annotated[
        str | None, Query(alias="backupId", max_length=64, description="Else the newest, or the newest before `until`")
    ] = None,
    until: Until = None,
) -> Response:
    """Preview a restore

    Documents of each collection now and in the backup. Nothing is touched.
    """
    return answer(backend.restores.preview(viewer, backup_id=backup_id, until=until))


@router.post("", **returns(Answer[Task], 403, 409, 503, status=ACCEPTED, says=_BEGUN, example={"data": _TASK}))
def take_backup(viewer: SignedIn, backend: BackendDep) -> Response:
    """Take a backup now

    While the school is used. Backups whose time is over go afterwards.
    """
    return answer(backend.backup_tasks.take(viewer), status=ACCEPTED)


@router.post("/restore", **returns(Answer[Task], 403, 404, 409, 503, status=ACCEPTED, says=_BEGUN))
def restore_backup(body: Restoring, viewer: SignedIn, backend: BackendDep) -> Response:
    """Put the school back

    To a backup, or to any second that the journal reaches. Everybody reads on meanwhile; for some seconds nobody
    saves. What is replaced is kept until the next restore.
    """
    task = backend.backup_tasks.restore(viewer, backup_id=body.backup_id, until=body.until)
    return answer(task, status=ACCEPTED)


@router.post("/rollback", **returns(Answer[Task], 403, 404, 409, 503, status=ACCEPTED, says=_BEGUN))
def roll_back(body: RollingBack, viewer: SignedIn, backend: BackendDep) -> Response:
    """Undo the last restore

    404 where there is none to undo. `confirm` is asked for because what was saved since is taken away.
    """
    return answer(backend.backup_tasks.roll_back(viewer), status=ACCEPTED)


@router.post("/{backupId}/verify", **returns(Answer[Task], 403, 404, 409, 503, status=ACCEPTED, says=_BEGUN))
def verify_backup(backup_id: BackupId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Read a backup again

    Every count and checksum is compared.
    """
    return answer(backend.backup_tasks.verify(viewer, backup_id), status=ACCEPTED)


@router.post("/{backupId}/drill", **returns(Answer[Task], 403, 404, 409, 503, status=ACCEPTED, says=_BEGUN))
def drill_backup(backup_id: BackupId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Try to restore a backup

    Into a scratch database, which is compared and thrown away; the school is not touched.
    """
    return answer(backend.backup_tasks.drill(viewer, backup_id), status=ACCEPTED)


@router.post(
    "/{backupId}/download", **returns(Answer[DownloadLink], 403, 404, 503, says="The link", example={"data": _LINK})
)
def link_backup(backup_id: BackupId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Make a link to a backup's file

    GET /admin/backups/{backupId}/file?ticket=… is good for five minutes, in this session alone. The password must have
    been given in the last five minutes (POST /auth/reauthenticate).
    """
    return answer(backend.backup_downloads.link(viewer, backup_id))


@downloads.get("/{backupId}/file", response_class=Response, responses=_FILE)
def download_backup(
    backup_id: BackupId,
    viewer: SignedIn,
    backend: BackendDep,
    ticket: Annotated[str, Query(max_length=300, description="Of POST /admin/backups/{backupId}/download")] = "",
) -> Response:
    """Download a backup

    As it is stored: compressed, and sealed where a key is set. Unpacked in the folder or bucket of backups of any
    school, it is one of its backups. The connection breaks off where the session ends or a file is damaged.
    """
    found = backend.backup_downloads.open(viewer, backup_id, ticket)
    headers = {"Content-Disposition": f'attachment; filename="{found.name}"', "Content-Length": str(found.size)}
    return StreamingResponse(found.chunks, media_type=_TAR, headers=headers)
