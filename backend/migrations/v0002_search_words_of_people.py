"""People are found and ordered by words and keys of their names and addresses, which older data does not have."""

from backend.accounts.queries import search_fields
from backend.migrations.queries import Data


def migrate(data: Data) -> None:
    """Give every person the fields by which people are searched and ordered."""
    data.update(
        "users",
        {"nameKey": {"$exists": False}},
        lambda user: {"$set": search_fields(name=user["name"], email=user["email"])},
    )
