"""The table of collections with data about a person, used by the download, the deletion and the tests. Pure."""

from typing import NamedTuple

OWN_ACCOUNT = (
    "email", "name", "role", "plan", "isActive", "timeZone", "dayEndHour", "locale", "dailyGoal", "examDate",
    "boardJoined", "boardName", "weeklyMail", "isDemo", "createdAt", "lastSignInAt",
)  # fmt: skip
OWN_SESSION = ("kind", "device", "place", "createdAt", "lastSeenAt", "expiresAt")


class Holding(NamedTuple):
    """A collection with documents about a person, found by `field`.

    `name` is its file in the download, "" if it has nothing to show; `shown` are the fields that go
    into it, all if none are named. Secrets and their hashes are never shown.
    """

    collection: str
    field: str
    name: str
    shown: tuple[str, ...] = ()
    order: str = "_id"


HOLDINGS = (
    Holding("users", "_id", "account", OWN_ACCOUNT),
    Holding("memberships", "userId", "classes", ("classroomId", "role", "joinedAt"), "joinedAt"),
    Holding("progress", "studentId", "progress"),
    Holding("activity", "studentId", "activity", (), "at"),
    Holding("studyDays", "studentId", "study-days", (), "day"),
    Holding("summaries", "_id", "summary"),
    Holding("sessions", "userId", "sessions", OWN_SESSION, "createdAt"),
    Holding("tickets", "userId", ""),
    Holding("places", "userId", ""),
    Holding("outbox", "userId", "mails", ("kind", "address", "createdAt", "endedAt", "state"), "createdAt"),
    Holding("deletions", "_id", "deletion", ("requestedAt", "dueAt")),
)
NOT_SHOWN = frozenset({"_id", "studentId", "idempotencyKey", "batchId", "revision"})  # of use to the program alone
