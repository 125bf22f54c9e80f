"""Programs that open /ws of a served API with a real client library."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.api.streaming.listening import ServedApi
from tests.waiting import PATIENCE_SECONDS

Json = dict[str, Any]


class Talk:
    """An open socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def say(self, kind: str, **fields: Any) -> None:
        self.connection.send(json.dumps({"type": kind, **fields}))

    def hear(self, *kinds: str) -> Json:
        """The next message of one of these kinds; what comes before is passed over."""
        while True:
            message: Json = json.loads(self.connection.recv(PATIENCE_SECONDS))
            if message["type"] in kinds:
                return message

    def ask(self, kind: str, **fields: Any) -> Json:
        """What is answered to a message that carries an id."""
        self.say(kind, id="q", **fields)
        while True:
            message: Json = json.loads(self.connection.recv(PATIENCE_SECONDS))
            if message.get("id") == "q":
                return message

    def end(self) -> tuple[str, int]:
        """The code of the reason that is told, and the close code after it."""
        code = self.hear("ended")["error"]["code"]
        try:
            self.connection.recv(PATIENCE_SECONDS)
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return code, closed.rcvd.code
        raise AssertionError("it goes on after its end")


@contextmanager
def talking(
    served: ServedApi, headers: Mapping[str, str] | None = None, *, protocols: list[str] | None = None
) -> Iterator[Talk]:
    """A socket for the block."""
    subprotocols = [Subprotocol(each) for each in protocols] if protocols else None
    with connect(
        f"ws://127.0.0.1:{served.port}/ws",
        additional_headers=dict(headers or {}),
        subprotocols=subprotocols,
        open_timeout=PATIENCE_SECONDS,
        proxy=None,
    ) as connection:
        yield Talk(connection)
