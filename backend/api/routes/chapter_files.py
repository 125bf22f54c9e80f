"""Chapter files by HTTP: the catalogue taken in and given out, a student's own progress taken over."""

from collections.abc import Callable
from typing import Annotated, Any, BinaryIO, Literal

import anyio
from fastapi import Query, Request, Response
from starlette.datastructures import UploadFile

from backend.api.deps import BackendDep, SignedIn
from backend.api.errors import UnsupportedMedia
from backend.api.idempotency import once
from backend.api.middleware.body_limit import UPLOAD_BYTES
from backend.api.openapi.responses import returns, returns_file
from backend.api.router import Router
from backend.api.schemas.envelope import Answer, answer
from backend.api.schemas.responses import PublishedChapter
from backend.chapters import export
from backend.chapters.models import ImportReport
from backend.errors import Invalid
from backend.kit.i18n import _
from backend.policy import authorise

FIELD_BYTES = 1024  # of a form's other fields; the file itself waits on disk
AT_ONCE = 2  # each may hold a file of 50 MB and what is read out of it
_slots = anyio.CapacityLimiter(AT_ONCE)

Format = Literal["csv", "json", "xlsx"]
DryRun = Annotated[bool, Query(alias="dryRun", description="Only say what would be done")]
Work = Callable[[str, bytes], Response]

_WRITERS: dict[Format, tuple[Callable[..., bytes], str]] = {
    "csv": (export.to_csv, "text/csv"),
    "json": (export.to_json, "application/json"),
    "xlsx": (export.to_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
_KINDS = tuple(kind for _write, kind in _WRITERS.values())
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "contentMediaType": "application/octet-stream",
                            "description": "JSON in the published shape, CSV or XLSX; at most 50 MB",
                        }
                    },
                }
            }
        },
    }
}

catalogue = Router(prefix="/chapters", tags=["Chapters"])
progress = Router(prefix="/progress", tags=["Progress"])


@catalogue.post(
    "/import",
    **returns(Answer[ImportReport], 403, 409, says="What was done, row by row"),
    openapi_extra=_FORM,
    max_body_size=UPLOAD_BYTES,
)
async def import_chapters(request: Request, viewer: SignedIn, backend: BackendDep, dry_run: DryRun = False) -> Response:
    """Import a chapter file

    Try it with `dryRun=true` first. Nothing is written for rows that fail, and the same file again changes nothing.
    """

    def work(name: str, content: bytes) -> Response:
        def imported() -> Response:
            return answer(backend.chapters.import_file(viewer, name, content, dry_run=dry_run))

        return once(request, backend.replays, viewer, content, imported)

    return await _with_file(request, work)


@catalogue.get("/export", **returns_file("The syllabus; for a student with her progress", _KINDS, PublishedChapter))
def export_chapters(
    viewer: SignedIn, backend: BackendDep, kind: Annotated[Format, Query(alias="format")] = "csv"
) -> Response:
    """Export the catalogue

    As CSV, JSON or XLSX; what comes out can be imported again. Students get their own progress beside each chapter.
    """
    authorise(viewer, "chapters.export")
    write, media_type = _WRITERS[kind]
    own = backend.progress.record(viewer.id).progress if viewer.role == "student" else None
    content = write(backend.chapters.active(), own)
    name = export.file_name(kind, backend.progress.today(viewer))
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    charset = "; charset=utf-8" if kind == "csv" else ""
    return Response(content, media_type=media_type + charset, headers=headers)


@progress.post(
    "/import",
    **returns(Answer[ImportReport], 403, 409, says="What was taken over, row by row"),
    openapi_extra=_FORM,
    max_body_size=UPLOAD_BYTES,
)
async def import_progress(
    request: Request,
    viewer: SignedIn,
    backend: BackendDep,
    dry_run: DryRun = False,
) -> Response:
    """Take over own progress from a chapter file

    Status, questions solved and weak marks of the rows whose chapters the syllabus has. For students.
    """

    def work(name: str, content: bytes) -> Response:
        def taken_over() -> Response:
            key = getattr(request.state, "act", "")
            return answer(backend.progress.take_over(viewer, name, content, dry_run=dry_run, key=key))

        return once(request, backend.replays, viewer, content, taken_over)

    return await _with_file(request, work)


async def _with_file(request: Request, work: Work) -> Response:
    """What `work` makes of the uploaded file, which waits on disk until one of a few slots is free."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise UnsupportedMedia(_("Send the file as multipart/form-data, in a field named “file”."))
    async with request.form(max_files=1, max_fields=5, max_part_size=FIELD_BYTES) as form:
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise Invalid(_("Send the file in a form field named “file”."))
        return await anyio.to_thread.run_sync(_read_and, work, upload.filename or "", upload.file, limiter=_slots)


def _read_and(work: Work, name: str, file: BinaryIO) -> Response:
    return work(name, file.read())
