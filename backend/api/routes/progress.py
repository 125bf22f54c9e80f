"""A student's own progress: saved, taken back, looked at."""

from fastapi import Response

from backend.accounts.models import Viewer
from backend.api.deps import BackendDep, SignedIn
from backend.api.openapi.responses import returns
from backend.api.router import Router
from backend.api.schemas import requests
from backend.api.schemas.envelope import Answer, Listing, answer
from backend.api.schemas.pagination import paged
from backend.api.schemas.requests import ChapterId
from backend.api.schemas.responses import OwnWork, SavedProgress, saved_progress
from backend.bootstrap import Backend
from backend.errors import Invalid
from backend.kit.i18n import _
from backend.progress.models import Activity, Home, Insights, Progress, ProgressChange, Saved, change_of

router = Router(tags=["Progress"])

_SAVED = {
    "data": {
        "batchId": "1f0c3a9b7d2e4f5061728394",
        "at": "2026-11-18T06:30:00Z",
        "studyDay": "2026-11-18",
        "changed": 1,
        "progress": {
            "status": "In Progress",
            "questionSolved": 5,
            "isWeakChapter": True,
            "chapterId": "69238f0b8a3c5e0b1c000001",
            "version": 1,
            "updatedAt": "2026-11-18T06:30:00Z",
            "completedAt": None,
        },
    }
}


@router.post(
    "/chapters/{chapterId}/progress",
    **returns(Answer[SavedProgress], 403, 404, 409, says="The saved change", example=_SAVED),
)
def save_progress(
    chapter_id: ChapterId,
    body: requests.ProgressSave,
    viewer: SignedIn,
    backend: BackendDep,
    key: requests.ActKey,
) -> Response:
    """Save progress on a chapter

    Solving a question moves Not Started to In Progress. More questions than past papers asked are refused with
    `confirmation_needed` until `confirm` is set.
    """
    return answer(save_one(backend, viewer, chapter_id, change_of(body), key, body.confirm))


@router.post("/progress", **returns(Answer[Saved], 403, 404, 409, says="The saved change"))
def save_many(body: requests.ProgressSaveMany, viewer: SignedIn, backend: BackendDep, key: requests.ActKey) -> Response:
    """Save progress on several chapters

    All together, or none; each chapter once. One undo takes all of it back.
    """
    changes = {one.chapter_id: change_of(one) for one in body.changes}
    if len(changes) < len(body.changes):
        raise Invalid(_("Each chapter can be changed once in a save."))
    return answer(backend.progress.change_many(viewer, changes, key=key, confirm=body.confirm))


@router.post("/progress/undo", **returns(Answer[Saved], 403, 404, 409, says="The records after the undo"))
def undo(body: requests.Undo, viewer: SignedIn, backend: BackendDep) -> Response:
    """Take a save back

    Counts for the same study day as the save. Twice does it once; what was changed since is not undone.
    """
    return answer(backend.progress.undo(viewer, body.batch_id))


@router.get("/progress", **returns(Answer[OwnWork], 403, says="Totals, streak and records"))
def own_progress(viewer: SignedIn, backend: BackendDep) -> Response:
    """Own totals and records

    Totals over the syllabus and by subject, the streak, and every record that was ever begun.
    """
    summary = backend.overview.summary(viewer)
    return answer(OwnWork(summary=summary, records=tuple(backend.progress.record(viewer.id).progress.values())))


@router.get("/progress/home", **returns(Answer[Home], 403, says="Today, the streak, what next, the pace"))
def home(viewer: SignedIn, backend: BackendDep) -> Response:
    """The first screen

    Today against the goal, the streak, what to study next and why, the pace to the exam.
    """
    return answer(backend.overview.home(viewer))


@router.get("/progress/insights", **returns(Answer[Insights], 403, says="A year of study days and the syllabus"))
def insights(viewer: SignedIn, backend: BackendDep) -> Response:
    """Insights

    A year of study days, the curve of what was completed, the map of the syllabus.
    """
    return answer(backend.overview.insights(viewer))


@router.get("/chapters/{chapterId}/history", **returns(Listing[Activity], 403, 404, says="Changes, newest first"))
def history(chapter_id: ChapterId, query: requests.PageQuery, viewer: SignedIn, backend: BackendDep) -> Response:
    """Own history of a chapter

    The last 200 changes, newest first.
    """
    found = backend.progress.history(viewer, chapter_id, limit=200)
    return paged(found, query, lambda each: (each.at.isoformat(), each.id), descending=True)


def save_one(
    backend: Backend, viewer: Viewer, chapter_id: str, change: ProgressChange, key: str, confirm: bool
) -> SavedProgress:
    """Save one change, and the record as it stands then; for this route and for /ws."""
    saved = backend.progress.change(viewer, chapter_id, change, key=key, confirm=confirm)
    present = Progress(chapter_id=chapter_id)
    if not saved.progress:
        present = backend.progress.record(viewer.id).progress.get(chapter_id, present)
    return saved_progress(saved, present)
