"""Older data, in which display names looked alike, comes to have one of each on the boards."""

from backend.bootstrap import Backend
from backend.migrations.queries import Data
from backend.migrations.v0004_display_names_of_boards import migrate


def test_of_two_that_look_alike_the_older_stays(backend: Backend) -> None:
    """The younger keeps the name and leaves the boards; others are left alone, and running again changes nothing."""
    names = {"a": "Champion", "b": "Champion\ufe0f", "c": "Comet", "d": "champion"}
    backend.mongo["users"].insert_many(
        {"_id": each, "emailKey": each, "boardName": name, "boardJoined": each != "d"} for each, name in names.items()
    )

    def joined() -> list[str]:
        return [user["_id"] for user in backend.mongo["users"].find({"boardJoined": True}).sort("_id", 1)]

    for _again in range(2):
        migrate(Data(backend.mongo.database))
        assert joined() == ["a", "c"]
    assert [user["boardName"] for user in backend.mongo["users"].find().sort("_id", 1)] == list(names.values())
    assert backend.mongo["users"].count_documents({"boardNameKey": {"$gt": ""}}) == 4
