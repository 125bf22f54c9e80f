"""Questions solved on archived chapters count in totals, which older data left out."""

from backend.migrations.queries import Data
from backend.progress.recount_queries import PLACE


def migrate(data: Data) -> None:
    """Let the job of the catalogue recount everybody who worked on an archived chapter."""
    archived = [each["_id"] for each in data["chapters"].find({"archivedAt": {"$ne": None}}, {"_id": 1})]
    if archived:
        begun = {"after": "", "done": 0, "total": data["summaries"].estimated_document_count()}
        change = {"$addToSet": {"chapterIds": {"$each": archived}}, "$set": begun}
        data["recounts"].update_one({"_id": PLACE}, change, upsert=True)
