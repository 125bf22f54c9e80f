"""Chapter files by HTTP: the catalogue taken in and given out, a student's own progress taken over."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

import anyio
from fastapi import Depends, Path, Query, Request, Response
from starlette.datastructures import UploadFile

from backend.accounts.models import Viewer
from backend.api.deps import BackendDep, SignedIn, upload_room
from backend.api.errors import UnsupportedMedia
from backend.api.idempotency import once
from backend.api.json_reading import refuse_repeated, typed_json
from backend.api.openapi.responses import returns, returns_file
from backend.api.router import Router
from backend.api.schemas.envelope import Answer, answer
from backend.api.schemas.responses import PublishedChapter
from backend.bootstrap import Backend
from backend.chapters import export
from backend.chapters.models import CatalogueChange, ImportOptions, ImportReport, NameChoice
from backend.errors import Invalid
from backend.kit.i18n import _, listing
from backend.policy import authorise

FIELD_BYTES = 64 * 1024  # of a form's other fields: choices for some hundred rows; the file itself waits on disk
AT_ONCE = 2  # each may hold a file of 50 MB and what is read out of it
_FIELDS = ("file", "choices")
_slots = anyio.CapacityLimiter(AT_ONCE)

Format = Literal["csv", "json", "xlsx"]
TemplateFormat = Literal["csv", "xlsx"]
DryRun = Annotated[bool, Query(alias="dryRun", description="Only say what would be done")]
Act = Callable[[str, bytes, str], ImportReport]  # of the file's name, its content, and the choices

ReplaceYears = Annotated[
    bool, Query(alias="replaceYears", description="Delete the years that a row with years leaves out")
]
Plan = Annotated[str, Query(max_length=64, description="`plan` of the dry run that is to be carried out")]
ImportId = Annotated[
    str, Path(alias="importId", title="Id of an import", json_schema_extra={"pattern": "^[A-Za-z0-9_-]{1,64}$"})
]
_IMPORT: dict[str, Any] = {
    "id": "69238f0b8a3c5e0b1c000077",
    "at": "2026-11-18T06:30:00Z",
    "fileName": "syllabus.csv",
    "state": "done",
    "added": 2,
    "updated": 99,
    "removed": 0,
    "done": 101,
    "total": 101,
    "undoes": None,
    "message": "",
}

_WRITERS: dict[Format, tuple[Callable[..., bytes], str]] = {
    "csv": (export.to_csv, "text/csv"),
    "json": (export.to_json, "application/json"),
    "xlsx": (export.to_xlsx, export.XLSX_TYPE),
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
    "description": "The meaning of doubtful rows, as a JSON object: the `ref` of a row → the `chapterId` of one of its "
    "`candidates`, or null to leave the row out",
    "examples": ['{"7": "69238f0b8a3c5e0b1c000001", "Physics!4": null}'],
}


_NAME_CHOICES = {
    "type": "string",
    "contentMediaType": "application/json",
    "description": "The meaning of names that are near ones of the catalogue, as a JSON list of {field, value, subject "
    "(of a unit or chapter), class and unit (of a chapter), sameAs (null for a new name)}: one for each of the "
    "report's questions",
    "examples": ['[{"field": "subject", "value": "Phyiscs", "sameAs": "Physics"}]'],
}


def _form(**fields: Any) -> dict[str, Any]:
    schema = {"type": "object", "required": ["file"], "properties": fields}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


catalogue = Router(prefix="/chapters", tags=["Chapters"])
progress = Router(prefix="/progress", tags=["Progress"])


@catalogue.post(
    "/import",
    **returns(Answer[ImportReport], 403, 409, says="The report, row by row"),
    openapi_extra=_form(file=_FILE, choices=_NAME_CHOICES),
    dependencies=[Depends(upload_room)],
)
async def import_chapters(
    request: Request,
    viewer: SignedIn,
    backend: BackendDep,
    dry_run: DryRun = False,
    replace_years: ReplaceYears = False,
    plan: Plan = "",
) -> Response:
    """Import a chapter file

    Try it with `dryRun=true` first, and give its `plan` back: exactly that is written, or nothing (409). Years are
    added to the known ones. Nothing is written for rows that fail, and the same file again changes nothing. While
    `state` is “running”, a large import goes on: see GET /chapters/imports/{importId}.
    """

    def imported(name: str, content: bytes, choices: str) -> ImportReport:
        options = ImportOptions(replace_years=replace_years, choices=_name_choices(choices))
        return backend.chapters.import_file(viewer, name, content, dry_run=dry_run, options=options, plan=plan)

    return await _uploaded(request, backend, viewer, imported)


@catalogue.get(
    "/imports",
    **returns(Answer[tuple[CatalogueChange, ...]], 403, says="The latest imports", example={"data": [_IMPORT]}),
)
def list_imports(viewer: SignedIn, backend: BackendDep) -> Response:
    """List imports of chapters

    The latest ones and what took them back, newest first, kept for 90 days.
    """
    return answer(backend.chapters.imports(viewer))


@catalogue.get(
    "/imports/{importId}", **returns(Answer[CatalogueChange], 403, 404, says="The import", example={"data": _IMPORT})
)
def get_import(import_id: ImportId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Read an import of chapters

    `done` of `total` chapters are written.
    """
    return answer(backend.chapters.import_state(viewer, import_id))


@catalogue.post(
    "/imports/{importId}/undo",
    **returns(Answer[CatalogueChange], 403, 404, 409, says="The undo", example={"data": _IMPORT}),
)
def undo_import(import_id: ImportId, viewer: SignedIn, backend: BackendDep) -> Response:
    """Take an import of chapters back

    While none of its chapters was changed since. Chapters are as they were before it, and new ones go; those on which
    learners have progress already go to the archive, with it.
    """
    return answer(backend.chapters.undo_import(viewer, import_id))


@catalogue.get(
    "/export", **returns_file("The syllabus; for a student with their progress", _KINDS, rows=PublishedChapter)
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
    **returns(Answer[ImportReport], 403, 409, says="The report, row by row"),
    openapi_extra=_form(file=_FILE, choices=_CHOICES),
    dependencies=[Depends(upload_room)],
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

    def taken_over(name: str, content: bytes, choices: str) -> ImportReport:
        key = getattr(request.state, "act", "")
        return backend.progress.take_over(viewer, name, content, dry_run=dry_run, key=key, choices=_decoded(choices))

    return await _uploaded(request, backend, viewer, taken_over)


def _file(content: bytes, name: str, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    charset = "; charset=utf-8" if media_type == "text/csv" else ""
    return Response(content, media_type=media_type + charset, headers=headers)


def _decoded(choices: str) -> dict[str, str]:
    """Return the chapter id chosen for each row, empty for null. Raises Invalid."""
    try:
        found = typed_json(choices or "{}", dict[str, str | None])
    except ValueError as error:
        raise Invalid(_("“choices” must be a JSON object with the id of a chapter, or null, for each row.")) from error
    return {row: chapter_id or "" for row, chapter_id in found.items()}


async def _uploaded(request: Request, backend: Backend, viewer: Viewer, act: Act) -> Response:
    """Return the report of `act` on the uploaded file, which waits on disk until one of a few slots is free."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise UnsupportedMedia(_("Send the file as multipart/form-data, in a field named “file”."))
    async with request.form(max_files=1, max_fields=5, max_part_size=FIELD_BYTES) as form:
        refuse_repeated(Counter(name for name, _value in form.multi_items()))
        upload, choices = form.get("file"), form.get("choices", "")
        if not isinstance(upload, UploadFile):
            raise Invalid(_("Send the file in a form field named “file”."))
        if not isinstance(choices, str) or set(form) - {*_FIELDS}:
            raise Invalid(_("The form may have the fields {names}.").format(names=listing([*_FIELDS])))

        def read_and_act() -> Response:
            content = upload.file.read()
            report = partial(act, upload.filename or "", content, choices)
            return once(request, backend.replays, viewer, content + choices.encode(), lambda: answer(report()))

        return await anyio.to_thread.run_sync(read_and_act, limiter=_slots)


def _name_choices(text: str) -> tuple[NameChoice, ...]:
    """Read the form field “choices”. Raises Invalid."""
    try:
        return typed_json(text or "[]", tuple[NameChoice, ...])
    except ValueError as error:
        raise Invalid(
            _("“choices” must be a JSON list such as {example}.").format(
                example='[{"field": "subject", "value": "Phyiscs", "sameAs": "Physics"}]'
            )
        ) from error
