"""The catalogue: /chapters, read by anyone, changed by teachers and admins."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import Request, Response

from backend.accounts.models import Viewer
from backend.api.deps import BackendDep, OptionalViewer, SignedIn
from backend.api.errors import PreconditionFailed
from backend.api.etags import if_match, revalidated, version_of
from backend.api.openapi.responses import returns
from backend.api.router import Router
from backend.api.schemas import requests
from backend.api.schemas.envelope import Answer, Listing, Pagination, answer, listing
from backend.api.schemas.pagination import paged
from backend.api.schemas.requests import ChapterId
from backend.api.schemas.responses import (
    ArchivedChapter,
    ChapterItem,
    ChapterItemDetail,
    archived,
    chapter_detail,
    chapter_item,
)
from backend.bootstrap import Backend
from backend.chapters.models import ChapterDraft, ChapterEdit
from backend.errors import Conflict

router = Router(prefix="/chapters", tags=["Chapters"])

_EXAMPLE = {
    "id": "69238f0b8a3c5e0b1c000001",
    "subject": "Physics",
    "class": "Class 11",
    "unit": "Mechanics 1",
    "chapter": "Units and Dimensions",
    "yearWiseQuestionCount": {"2023": 5, "2024": 4, "2025": 6},
    "questionTotal": 15,
    "recentTotal": 15,
    "examShare": 0.012,
    "trend": "steady",
    "version": 1,
    "createdAt": "2026-11-18T06:30:00Z",
    "updatedAt": "2026-11-18T06:30:00Z",
    "status": "In Progress",
    "questionSolved": 8,
    "isWeakChapter": True,
    "progressVersion": 3,
}
_PAGE = {
    "data": [_EXAMPLE],
    "pagination": {"page": 1, "limit": 20, "total": 101, "totalPages": 6, "nextCursor": "NjkyMzhmMGI4YTNj"},
}
_DETAIL = {"data": _EXAMPLE | {"previousId": "69238f0b8a3c5e0b1c000009", "nextId": "69238f0b8a3c5e0b1c000002"}}


@router.get("", **returns(Listing[ChapterItem], says="A page of chapters", example=_PAGE, conditional=True))
def list_chapters(
    query: requests.FiltersQuery, viewer: OptionalViewer, request: Request, backend: BackendDep
) -> Response:
    """List chapters

    Filtered, sorted and in pages; go on with `page`, or with `after` and the nextCursor of the page before, which
    neither skips nor repeats while others add chapters.
    """
    page = backend.overview.chapters(viewer, query.filters())
    pagination = Pagination(
        page=page.page,
        limit=page.limit,
        total=page.total,
        total_pages=page.total_pages,
        next_cursor=page.next_cursor,
    )
    return revalidated(request, listing([chapter_item(row) for row in page.rows], pagination), viewer)


@router.get("/archived", **returns(Listing[ArchivedChapter], 403, says="A page of archived chapters"))
def list_archived(query: requests.PageQuery, viewer: SignedIn, backend: BackendDep) -> Response:
    """List archived chapters

    Chapters that were taken out of the syllabus and can be brought back.
    """
    found = backend.chapters.archived(viewer)
    return paged([archived(chapter) for chapter in found], query, lambda each: (each.id,))


@router.get(
    "/{chapterId}",
    **returns(Answer[ChapterItemDetail], 404, says="The chapter", example=_DETAIL, conditional=True),
)
def get_chapter(chapter_id: ChapterId, viewer: OptionalViewer, request: Request, backend: BackendDep) -> Response:
    """Read a chapter

    Its ETag can be given back in If-Match when changing it.
    """
    return _detail(request, backend, viewer, chapter_id)


@router.post("", **returns(Answer[ChapterItemDetail], 403, 409, status=201, says="The new chapter", example=_DETAIL))
def create_chapter(body: requests.ChapterNew, viewer: SignedIn, request: Request, backend: BackendDep) -> Response:
    """Add a chapter

    It stands at the end of the syllabus.
    """
    draft = ChapterDraft(**body.model_dump(exclude={"confirm"}))
    chapter = backend.chapters.create(viewer, draft, confirm=body.confirm)
    location = {"Location": f"{request.scope.get('root_path', '')}/chapters/{chapter.id}"}
    return _detail(request, backend, viewer, chapter.id, status=201, headers=location)


@router.patch(
    "/{chapterId}",
    **returns(
        Answer[ChapterItemDetail], 400, 403, 404, 409, 412, 428, says="The chapter after the change", example=_DETAIL
    ),
)
def change_chapter(
    chapter_id: ChapterId,
    body: requests.ChapterChange,
    viewer: SignedIn,
    request: Request,
    backend: BackendDep,
) -> Response:
    """Change a chapter

    Say which version you changed: `version` in the body (refused with 409 where it is no longer the present one), or
    its ETag in If-Match (412). Everybody's progress stays with the chapter.
    """
    version, by_header = version_of(request, body.version)
    new = ChapterEdit(**body.model_dump(exclude={"version", "confirm"}))
    with _failing_condition(by_header=by_header):
        backend.chapters.edit(viewer, chapter_id, new, version=version, confirm=body.confirm)
    return _detail(request, backend, viewer, chapter_id)


@router.delete("/{chapterId}", **returns(Answer[ArchivedChapter], 400, 403, 404, 409, 412, says="The archived chapter"))
def archive_chapter(chapter_id: ChapterId, viewer: SignedIn, request: Request, backend: BackendDep) -> Response:
    """Archive a chapter

    It leaves the syllabus; progress on it is kept, and returns with it. With If-Match, only the version that it names.
    """
    version = if_match(request)
    with _failing_condition(by_header=version is not None):
        return answer(archived(backend.chapters.archive(viewer, chapter_id, version=version)))


@router.post("/{chapterId}/restore", **returns(Answer[ChapterItemDetail], 403, 404, 409, says="The chapter"))
def restore_chapter(chapter_id: ChapterId, viewer: SignedIn, request: Request, backend: BackendDep) -> Response:
    """Bring a chapter back from the archive"""
    backend.chapters.bring_back(viewer, chapter_id)
    return _detail(request, backend, viewer, chapter_id)


@contextmanager
def _failing_condition(*, by_header: bool) -> Iterator[None]:
    """A version that is no longer the present one is 412 where If-Match named it, else 409."""
    try:
        yield
    except Conflict as error:
        if by_header and error.code == "stale":
            raise PreconditionFailed(error.message) from error
        raise


def _detail(request: Request, backend: Backend, viewer: Viewer | None, chapter_id: str, **options: Any) -> Response:
    detail = backend.overview.chapter(viewer, chapter_id)
    response = answer(chapter_detail(detail), **options)
    return revalidated(request, response, viewer, detail.row.chapter.version)
