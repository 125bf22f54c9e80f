"""`python -m deploy.sharding --shards one,two --uri mongodb://mongos…` shards a database; without --uri it prints how.

The app must have started once, so that its indexes are there; MongoDB must be 8.0 or newer (docs/sharding.md).
"""

import argparse
import sys
from collections.abc import Sequence

from bson import json_util
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.sharding import HASHED, LAYOUTS, Command, Layout, commands

OLDEST = 8  # a save looks into sharded collections within its transaction
DONE, FAILED, CALLED_WRONGLY = 0, 1, 2


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    said = _parser().parse_args(arguments)
    layout, shards = LAYOUTS[said.layout], [each for each in said.shards.split(",") if each]
    if len(set(shards)) != len(shards) or not shards:
        sys.stderr.write("Name each shard once.\n")
        return CALLED_WRONGLY
    told = list(commands(layout, said.database, shards))
    if not said.uri:
        sys.stdout.writelines(json_util.dumps(command) + "\n" for command in told)
        return DONE
    try:
        return _tell(said.uri, said.database, layout, told)
    except PyMongoError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED


def _tell(uri: str, database: str, layout: Layout, told: Sequence[Command]) -> int:
    with MongoClient[Command](uri, appname="chapter-performance-sharding") as client:
        if client.admin.command("hello").get("msg") != "isdbgrid":
            sys.stderr.write("This is no mongos: give its address, not that of a set.\n")
            return FAILED
        if client.server_info()["versionArray"][0] < OLDEST:
            sys.stderr.write(f"MongoDB {OLDEST}.0 or newer is needed.\n")
            return FAILED
        for collection, key in layout.keys.items():
            if HASHED in key.values():  # one that holds documents is not sharded without it
                client[database][collection].create_index(list(key.items()), name="shard")
        for command in told:
            sys.stdout.write(json_util.dumps(command) + "\n")
            client.admin.command(command)
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.sharding", description=__doc__)
    parser.add_argument("--shards", required=True, help="names of the shards, by commas, as listShards tells them")
    parser.add_argument("--database", default="chapter_performance", help="as MONGODB_DATABASE says")
    parser.add_argument("--layout", choices=sorted(LAYOUTS), default="student", help="how the data is cut")
    parser.add_argument("--uri", help="address of a mongos; none prints the commands alone")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
