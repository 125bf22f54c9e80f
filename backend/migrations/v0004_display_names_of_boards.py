"""No two display names on the boards look alike, which older data does not know."""

from backend.kit.mongo.client import Document
from backend.kit.unicode_text import lookalike_key
from backend.migrations.queries import Data, Update


def migrate(data: Data) -> None:
    """Give every display name its key; of two that look alike the older account stays on the boards.

    The other keeps the name in the settings, and chooses another to join again.
    """
    joined = {"boardJoined": True, "boardNameKey": {"$gt": ""}}
    taken = {user["boardNameKey"] for user in data["users"].find(joined, {"boardNameKey": 1})}

    def change(user: Document) -> Update:
        key = lookalike_key(user["boardName"])
        stays = bool(user.get("boardJoined")) and key not in taken
        if stays:
            taken.add(key)
        return {"$set": {"boardNameKey": key, "boardJoined": stays}}

    data.update("users", {"boardName": {"$gt": ""}, "boardNameKey": {"$exists": False}}, change)
