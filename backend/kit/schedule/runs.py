"""Runs of jobs in MongoDB: claimed once among all processes, kept alive, taken over, and recorded. Times are the
server's, so clocks of machines need not agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pymongo import ASCENDING, DESCENDING, ReturnDocument
from pymongo.operations import IndexModel

from backend.errors import Conflict
from backend.kit.model import Shape, from_document
from backend.kit.mongo.client import Document, Mongo, translated
from backend.kit.mongo.lease import ends_in, is_held
from backend.kit.observability.log import fact

Kind = Literal["slot", "made up", "asked"]
State = Literal["running", "done", "failed", "skipped"]
Refusal = Literal["taken", "busy"]

KEPT_DAYS = 90
MOST_ATTEMPTS = 3
LOG_LINES = 50
LINE_LENGTH = 500

_RUNNING: Document = {"state": "running"}
_IN_LANE: Document = {"lane": {"$gt": ""}}
INDEXES: Mapping[str, Sequence[IndexModel]] = {
    "jobRuns": (
        # No job runs twice at once, wherever and for whatever reason it was begun.
        IndexModel([("job", ASCENDING)], name="running", unique=True, partialFilterExpression=_RUNNING),
        IndexModel([("lane", ASCENDING)], name="lane", unique=True, partialFilterExpression=_IN_LANE | _RUNNING),
        IndexModel([("job", ASCENDING), ("startedAt", DESCENDING)], name="history"),
        IndexModel(
            [("lane", ASCENDING), ("startedAt", DESCENDING)], name="lane_history", partialFilterExpression=_IN_LANE
        ),
        IndexModel([("startedAt", ASCENDING)], name="leaves", expireAfterSeconds=KEPT_DAYS * 86_400),
    )
}


class Run(Shape, frozen=True, kw_only=True):
    """One run of a job, as it is kept. `slot` is the time it was due; `seconds` how long it took, once it ended.

    `attempt` counts the processes that began it: a later one goes on where an earlier one died. `share` is how far it
    is, from 0 to 1 (None where its work does not say), and `doing` with what. Runs of one `lane` never run beside each
    other. `asked_by` is the person whose process does it: no other takes it over. `subject` and `until` are what for.
    """

    id: str
    job: str
    slot: datetime
    kind: Kind
    state: State
    owner: str
    attempt: int
    started_at: datetime
    ended_at: datetime | None = None
    seconds: float | None = None
    outcome: str = ""
    log: tuple[str, ...] = ()
    share: float | None = None
    doing: str = ""
    lane: str = ""
    asked_by: str = ""
    subject: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class Asked:
    """A request to this process for a run: by whom, and for what."""

    by: str
    subject: str = ""
    until: datetime | None = None


class JobPlan(Shape, frozen=True, kw_only=True):
    """The plan of a job: when it is due, since when, when a process for it was last seen, and any run asked for."""

    id: str
    cron: str
    time_zone: str
    makes_up: bool
    since: datetime
    seen_at: datetime
    asked_for: datetime | None = None


class Runs:
    """The collections jobs (a plan for each) and jobRuns. Raises Unavailable like every query."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._jobs, self._runs = mongo["jobs"], mongo["jobRuns"]

    def now(self) -> datetime:
        """Return the time of the server."""
        return self._mongo.server_time()

    def plan(self, job: str, cron: str, time_zone: str, *, makes_up: bool) -> JobPlan:
        """Keep when a job is due, and that somebody is here to run it; who asked for it last comes back with it."""
        fields = {
            "cron": cron,
            "timeZone": time_zone,
            "makesUp": makes_up,
            "since": {"$min": ["$since", "$$NOW"]},  # never ahead: a clock that ran ahead would put off every run
            "seenAt": "$$NOW",
        }
        with translated():
            found = self._jobs.find_one_and_update(
                {"_id": job}, [{"$set": fields}], upsert=True, return_document=ReturnDocument.AFTER
            )
        return from_document(found or {}, JobPlan)

    def asked(self) -> dict[str, datetime]:
        """By job, the moment for which it was asked last."""
        with translated():
            found = self._jobs.find({"askedFor": {"$exists": True}}, {"askedFor": 1})
            return {each["_id"]: each["askedFor"] for each in found}

    def ask(self, job: str, *, delay_seconds: float = 0.0) -> bool:
        """Ask for a run besides the plan, `delay_seconds` from now; requests before that time share the run.

        Return False for a job that was never planned.
        """
        wanted = {"$add": ["$$NOW", int(delay_seconds * 1000)]}
        is_pending = {"$and": [{"$gt": ["$askedFor", "$$NOW"]}, {"$lte": ["$askedFor", wanted]}]}
        with translated():
            asked = {
                "askedFor": {"$cond": [is_pending, "$askedFor", wanted]},
                "askedBy": {"$cond": [is_pending, "$askedBy", {"$literal": fact("request_id")}]},
            }
            found = self._jobs.update_one({"_id": job}, [{"$set": asked}])
        return found.matched_count == 1

    def asker(self, job: str) -> str:
        """The id of the request, or of the run of a page, that asked for it last; "" where nobody with one did."""
        with translated():
            found = self._jobs.find_one({"_id": job}, {"askedBy": 1})
        return str((found or {}).get("askedBy") or "")

    def claim(
        self,
        job: str,
        slot: datetime,
        kind: Kind,
        owner: str,
        lease_seconds: float,
        *,
        lane: str = "",
        asked: Asked | None = None,
    ) -> Run | Refusal:
        """The right to run `job` for `slot`, which exactly one caller of all processes ever gets.

        "taken" where this slot has been claimed before; "busy" where the job, or another one of its lane, runs just
        now, so ask again later.
        """
        fields = {
            "job": job,
            "slot": slot,
            "kind": kind,
            "state": "running",
            "owner": owner,
            "attempt": 1,
            "startedAt": "$$NOW",
            **_lease(lease_seconds),
            **({"lane": lane} if lane else {}),
        }
        if asked:
            fields |= {"askedBy": asked.by, "subject": {"$literal": asked.subject}, "until": asked.until}
        claimed = self._insert(run_id(job, slot), fields)
        if claimed == "busy" and lane and self._give_up(lane, is_asked=asked is not None):
            claimed = self._insert(run_id(job, slot), fields)
        return claimed

    def skip(self, job: str, slot: datetime, owner: str) -> None:
        """Record that a missed run is left out."""
        fields = {
            "job": job,
            "slot": slot,
            "kind": "slot",
            "state": "skipped",
            "owner": owner,
            "attempt": 0,
            "startedAt": "$$NOW",
            "endedAt": "$$NOW",
        }
        self._insert(run_id(job, slot), fields)

    def keep(self, run: Run, lease_seconds: float) -> bool:
        """Go on for `lease_seconds`; False where another process has taken the run over."""
        with translated():
            kept = self._runs.update_one(_own(run), [{"$set": _lease(lease_seconds)}])
        return kept.matched_count == 1

    def tell(self, run: Run, share: float | None, doing: str, log: Sequence[str]) -> None:
        """Keep how far a run is, and its lines so far."""
        fields = {"share": share, "doing": doing[:LINE_LENGTH], "log": _lines(log)}
        with translated():
            self._runs.update_one(_own(run), {"$set": fields})

    def take_over(self, jobs: Sequence[str], owner: str, lease_seconds: float) -> Run | None:
        """A run of one of `jobs` whose owner died, now ours. One that died too often is recorded as failed."""
        lost = {"job": {"$in": list(jobs)}, "askedBy": {"$exists": False}, **_lost(lease_seconds)}
        taken = {"owner": owner, "attempt": {"$add": ["$attempt", 1]}, **_lease(lease_seconds)}
        with translated():
            self._runs.update_many({**lost, "attempt": {"$gte": MOST_ATTEMPTS}}, [{"$set": _GIVEN_UP}])
            found = self._runs.find_one_and_update(lost, [{"$set": taken}], return_document=ReturnDocument.AFTER)
        return from_document(found, Run) if found else None

    def finish(self, run: Run, state: State, outcome: str, log: Sequence[str]) -> bool:
        """Record the end; False where another process has taken the run over meanwhile, and nothing was written."""
        fields: dict[str, Any] = {
            "state": state,
            "outcome": {"$literal": outcome[:LINE_LENGTH]},
            "log": {"$literal": _lines(log)},
            "endedAt": "$$NOW",
            "seconds": {"$divide": [{"$subtract": ["$$NOW", "$startedAt"]}, 1000]},
        }
        with translated():
            return self._runs.update_one(_own(run), [{"$set": fields}]).matched_count == 1

    def release(self, run: Run) -> None:
        """Let another process take the run over at once: this one stops."""
        with translated():
            self._runs.update_one(_own(run), [{"$set": {"leaseUntil": "$$NOW"}}])

    def plans(self, runs: int) -> tuple[tuple[JobPlan, tuple[Run, ...]], ...]:
        """All jobs that some process ever planned, by name, each with its latest `runs`, newest first. One command."""
        latest = [{"$sort": {"startedAt": -1}}, {"$limit": runs}]
        of_job = {"from": "jobRuns", "localField": "_id", "foreignField": "job", "pipeline": latest, "as": "runs"}
        with translated():
            return tuple(
                (from_document(each, JobPlan), tuple(from_document(run, Run) for run in each["runs"]))
                for each in self._jobs.aggregate([{"$sort": {"_id": 1}}, {"$lookup": of_job}])
            )

    def latest(self, lane: str) -> tuple[Run, bool] | None:
        """The latest run of a lane, and whether a process is at it."""
        in_lane = {"$match": {"lane": lane}}
        is_kept = {"$set": {"isKept": is_held("$leaseUntil", "$leaseSeconds")}}
        with translated():
            found = next(self._runs.aggregate([in_lane, {"$sort": {"startedAt": -1}}, {"$limit": 1}, is_kept]), None)
        return (from_document(found, Run), found["state"] == "running" and found["isKept"]) if found else None

    def newest(self, job: str, count: int) -> tuple[Run, ...]:
        """The latest runs of a job, newest first."""
        with translated():
            found = self._runs.find({"job": job}).sort("startedAt", DESCENDING).limit(count)
            return tuple(from_document(each, Run) for each in found)

    def prune(self, kept: int) -> int:
        """Forget all but the newest `kept` runs of each job; how many went. Time alone takes the rest."""
        gone = 0
        with translated():
            for job in self._runs.distinct("job"):
                last = list(self._runs.find({"job": job}).sort("startedAt", DESCENDING).skip(kept).limit(1))
                if last:
                    old = {"job": job, "startedAt": {"$lte": last[0]["startedAt"]}, "state": {"$ne": "running"}}
                    gone += self._runs.delete_many(old).deleted_count
        return gone

    def forget(self, unseen: timedelta) -> int:
        """Forget plans that no process has had for so long (a job that a later version dropped)."""
        is_old = {"$lt": ["$seenAt", {"$subtract": ["$$NOW", int(unseen.total_seconds() * 1000)]}]}
        with translated():
            return self._jobs.delete_many({"$expr": is_old}).deleted_count

    def _give_up(self, lane: str, *, is_asked: bool) -> bool:
        """Record as failed what a process died in: a run by the clock for a person only, else it is taken over."""
        dead = {"lane": lane, **_lost()} | ({} if is_asked else {"askedBy": {"$exists": True}})
        with translated():
            return self._runs.update_many(dead, [{"$set": _GIVEN_UP}]).modified_count > 0

    def _insert(self, key: str, fields: Document) -> Run | Refusal:
        try:
            with translated():
                found = self._runs.find_one_and_update(
                    {"_id": key, "state": {"$exists": False}},  # so that one that exists is refused, not changed
                    [{"$set": fields}],
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
        except Conflict:
            with translated():
                return "taken" if self._runs.find_one({"_id": key}, {"_id": 1}) else "busy"
        return from_document(found or {}, Run)


def run_id(job: str, slot: datetime) -> str:
    """The id under which a run is claimed."""
    return f"{job}@{slot:%Y-%m-%dT%H:%M:%S}.{slot.microsecond // 1000:03}Z"


_GIVEN_UP: Document = {"state": "failed", "endedAt": "$$NOW", "outcome": "Every process that began it died."}


def _lost(lease_seconds: float = 0.0) -> Document:
    """Those under way whose process died."""
    is_kept = is_held("$leaseUntil", {"$ifNull": ["$leaseSeconds", lease_seconds]})
    return {**_RUNNING, "$expr": {"$not": [is_kept]}}


def _own(run: Run) -> Document:
    return {"_id": run.id, "owner": run.owner, "attempt": run.attempt, "state": "running"}


def _lines(log: Sequence[str]) -> list[str]:
    return [line[:LINE_LENGTH] for line in log][-LOG_LINES:]


def _lease(seconds: float) -> Document:
    return {"leaseUntil": ends_in(seconds), "leaseSeconds": seconds}
