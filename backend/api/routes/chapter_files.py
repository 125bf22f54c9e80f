"""Chapter files by HTTP: the catalogue taken in and given out, a student's own progress taken over."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, BinaryIO, Literal

import anyio
import msgspec
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
from backend.kit.i18n import _, listing
from backend.policy import authorise

FIELD_BYTES = 64 * 1024  # of a form's other fields: choices for some hundred rows; the file itself waits on disk
AT_ONCE = 2  # each may hold a file of 50 MB and what is read out of it
_slots = anyio.CapacityLimiter(AT_ONCE)

Format = Literal["csv", "json", "xlsx"]
TemplateFormat = Literal["csv", "xlsx"]
DryRun = Annotated[bool, Query(alias="dryRun", description="Only say what would be done")]
Work = Callable[[str, bytes, str], Response]

_WRITERS: dict[Format, tuple[Callable[..., bytes], str]] = {
    "csv": (export.to_csv, "text/csv"),
    "json": (export.to_json, "application/json"),
    "xlsx": (export.to_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
_KINDS = tuple(kind for _write, kind in _WRITERS.values())
_TEMPLATES: dict[TemplateFormat, tuple[Callable[..., bytes], str]] = {
    "csv": (export.template_csv, _WRITERS["csv"][1]),
    "xlsx": (export.template_xlsx, _WRITERS["xlsx"][1]),
}
_TEMPLATE_KINDS = tuple(kind for _write, kind in _TEMPLATES.values())
_FILE = {
    "type": "string",
    "contentMediaType": "application/octet-stream",
    "description": "CSV, XLSX or JSON; at most 50 MB",
}
_CHOICES = {
    "type": "string",
    "contentMediaType": "application/json",
    "description": "What doubtful rows mean, as a JSON object: the `ref` of a row → the `chapterId` of one of its "
    "`candidates`, or null to leave the row out",
    "examples": ['{"7": "69238f0b8a3c5e0b1c000001", "Physics!4": null}'],
}


def _form(**fields: Any) -> dict[str, Any]:
    schema = {"type": "object", "required": ["file"], "properties": fields}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


catalogue = Router(prefix="/chapters", tags=["Chapters"])
progress = Router(prefix="/progress", tags=["Progress"])


@catalogue.post(
    "/import",
    **returns(Answer[ImportReport], 403, 409, says="What was done, row by row"),
    openapi_extra=_form(file=_FILE),
    max_body_size=UPLOAD_BYTES,
)
async def import_chapters(request: Request, viewer: SignedIn, backend: BackendDep, dry_run: DryRun = False) -> Response:
    """Import a chapter file

    Try it with `dryRun=true` first. Nothing is written for rows that fail, and the same file again changes nothing.
    """

    def work(name: str, content: bytes, _choices: str) -> Response:
        def imported() -> Response:
            return answer(backend.chapters.import_file(viewer, name, content, dry_run=dry_run))

        return once(request, backend.replays, viewer, content, imported)

    return await _with_file(request, work, "file")


@catalogue.get(
    "/export", **returns_file("The syllabus; for a student with her progress", _KINDS, rows=PublishedChapter)
)
def export_chapters(
    viewer: SignedIn, backend: BackendDep, kind: Annotated[Format, Query(alias="format")] = "csv"
) -> Response:
    """Export the catalogue

    As CSV, JSON or XLSX; what comes out can be imported again. Students get their own progress beside each chapter.
    """
    authorise(viewer, "chapters.export")
    write, media_type = _WRITERS[kind]
    own = backend.progress.record(viewer.id).progress if viewer.role == "student" else None
    name = export.file_name(kind, backend.progress.today(viewer))
    return _file(write(backend.chapters.active(), own), name, media_type)


@progress.get("/template", **returns_file("The list to fill in", _TEMPLATE_KINDS, 403))
def own_template(
    viewer: SignedIn, backend: BackendDep, kind: Annotated[TemplateFormat, Query(alias="format")] = "csv"
) -> Response:
    """A list to fill in

    A row for each chapter of the syllabus with the caller's own status, questions solved and weak mark, as CSV or XLSX.
    What is changed in it is taken over by `POST /progress/import`. For students.
    """
    authorise(viewer, "progress.take_over")
    write, media_type = _TEMPLATES[kind]
    content = write(backend.chapters.active(), backend.progress.record(viewer.id).progress)
    return _file(content, export.file_name(kind, backend.progress.today(viewer), "my list"), media_type)


@progress.post(
    "/import",
    **returns(Answer[ImportReport], 403, 409, says="What was taken over, row by row"),
    openapi_extra=_form(file=_FILE, choices=_CHOICES),
    max_body_size=UPLOAD_BYTES,
)
async def import_progress(
    request: Request,
    viewer: SignedIn,
    backend: BackendDep,
    dry_run: DryRun = False,
) -> Response:
    """Take over own progress from a list

    Status, questions solved and weak marks, as far as the list gives them: what it does not say stays. A chapter is
    found by its name, and where that is not enough by subject, class and unit. Try it with `dryRun=true` first: each
    row says what it would change, and a doubtful one which chapters it may mean. For students.
    """

    def work(name: str, content: bytes, choices: str) -> Response:
        def taken_over() -> Response:
            key = getattr(request.state, "act", "")
            return answer(
                backend.progress.take_over(viewer, name, content, dry_run=dry_run, key=key, choices=_decoded(choices))
            )

        return once(request, backend.replays, viewer, content + choices.encode(), taken_over)

    return await _with_file(request, work, "file", "choices")


def _file(content: bytes, name: str, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    charset = "; charset=utf-8" if media_type == "text/csv" else ""
    return Response(content, media_type=media_type + charset, headers=headers)


def _decoded(choices: str) -> dict[str, str]:
    """What is chosen for each row. Raises Invalid."""
    try:
        found = msgspec.json.decode(choices or "{}", type=dict[str, str | None])
    except msgspec.MsgspecError as error:
        raise Invalid(_("“choices” must be a JSON object with the id of a chapter, or null, for each row.")) from error
    return {row: chapter_id or "" for row, chapter_id in found.items()}


async def _with_file(request: Request, work: Work, *fields: str) -> Response:
    """What `work` makes of the uploaded file, which waits on disk until one of a few slots is free."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise UnsupportedMedia(_("Send the file as multipart/form-data, in a field named “file”."))
    async with request.form(max_files=1, max_fields=5, max_part_size=FIELD_BYTES) as form:
        upload, choices = form.get("file"), form.get("choices", "")
        if not isinstance(upload, UploadFile):
            raise Invalid(_("Send the file in a form field named “file”."))
        strange = sorted(set(form) - set(fields))
        if strange or not isinstance(choices, str):
            raise Invalid(_("The form may have the fields {names}.").format(names=listing(list(fields))))
        reading = partial(_read_and, work, upload.filename or "", upload.file, choices)
        return await anyio.to_thread.run_sync(reading, limiter=_slots)


def _read_and(work: Work, name: str, file: BinaryIO, choices: str) -> Response:
    return work(name, file.read(), choices)
