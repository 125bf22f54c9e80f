"""Makes a replica set of fresh members and the app's user, in the app's image; once more does no harm.

MEMBERS are the addresses, the first of which has the root user; SECRETS is the folder of the passwords.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure

SET = "school"
USER = "school"
# As in backend/kit/embedded: trial restores need databases of their own, health reads the state of the replica set.
ROLES = ("readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor")
# A lost primary is noticed after 2 s and replaced at once; the default of 10 s is as long as people wait for a page.
ELECTION_MS, HEARTBEAT_SECONDS = 2000, 1
NOT_YET_INITIALIZED, ALREADY_INITIALIZED = 94, 23
WAIT_SECONDS = 120.0

Client = MongoClient[dict[str, Any]]


def main() -> int:
    """The exit status."""
    members = os.environ["MEMBERS"].split(",")
    secrets = Path(os.environ.get("SECRETS", "/run/secrets"))
    root, own = (_read(secrets / name) for name in ("mongo_root_password", "mongo_app_password"))
    with Client(f"mongodb://{members[0]}", username="root", password=root, directConnection=True) as client:
        _initiate(client, members)
        _until_primary(client)
    # By the set from here on: another member may have become its primary in an earlier run.
    with Client(members, username="root", password=root, replicaSet=SET) as client:
        _keep_user(client, own)
    sys.stdout.write(f"The set {SET} of {len(members)} members is ready.\n")
    return 0


def _initiate(client: Client, members: list[str]) -> None:
    """Make the set, unless there is one."""
    try:
        client.admin.command("replSetGetStatus")
    except OperationFailure as error:
        if error.code != NOT_YET_INITIALIZED:
            raise
    else:
        return
    config = {
        "_id": SET,
        "members": [{"_id": number, "host": host} for number, host in enumerate(members)],
        "settings": {
            "electionTimeoutMillis": ELECTION_MS,
            "heartbeatIntervalMillis": HEARTBEAT_SECONDS * 1000,
            "heartbeatTimeoutSecs": 2,  # or a new primary waits ten seconds for a frozen one
        },
    }
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            client.admin.command("replSetInitiate", config)
        except OperationFailure as error:
            if error.code == ALREADY_INITIALIZED:
                return
            if time.monotonic() > end:  # until then a member may just not have started
                raise
            time.sleep(1)
        else:
            return


def _until_primary(client: Client) -> None:
    """Wait until the set has a primary."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            if client.admin.command("hello").get("primary"):
                return
        except AutoReconnect:  # an election ends connections
            pass
        if time.monotonic() > end:
            raise TimeoutError("the set has no primary")
        time.sleep(0.5)


def _keep_user(client: Client, password: str) -> None:
    """The app's user, with the password of today."""
    known = client.admin.command("usersInfo", USER)["users"]
    client.admin.command("updateUser" if known else "createUser", USER, pwd=password, roles=list(ROLES))


def _read(path: Path) -> str:
    return path.read_text().strip()


if __name__ == "__main__":
    sys.exit(main())
