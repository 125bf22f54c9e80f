"""Messages on /ws, both ways: JSON objects whose `type` names them. docs/api.md shows one of each."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from backend.api.json_reading import strict_json
from backend.chapters.models import Status
from backend.kit.model import published_name
from backend.progress.models import SOLVED_LIMIT

MOST_BYTES = 16 * 1024
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Key = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,150}$")]
Count = Annotated[int, Meta(ge=0, le=SOLVED_LIMIT)]
Change = Annotated[int, Meta(ge=-SOLVED_LIMIT, le=SOLVED_LIMIT)]
Version = Annotated[int, Meta(ge=0, le=10**9)]


class Heard(Struct, frozen=True, kw_only=True, rename=published_name, forbid_unknown_fields=True, tag_field="type"):
    """Base of client messages. `id` is the client's name for the message and comes back with the answer."""

    id: Name | None = None


class Authenticate(Heard, frozen=True, kw_only=True, tag="authenticate"):
    """The caller's token: the first message if no header has it, and again before the token expires."""

    token: Annotated[str, Meta(min_length=1, max_length=4096)]


class JoinChapter(Heard, frozen=True, kw_only=True, tag="join-chapter"):
    chapter_id: Name


class Leave(Heard, frozen=True, kw_only=True, tag="leave"):
    chapter_id: Name


class ProgressUpdate(Heard, frozen=True, kw_only=True, tag="progress-update"):
    """As POST /chapters/{chapterId}/progress; `key` is its Idempotency-Key."""

    chapter_id: Name
    status: Status | None = None
    question_solved: Count | None = None
    questions_delta: Change | None = None
    is_weak_chapter: bool | None = None
    version: Version | None = None
    confirm: bool = False
    key: Key | None = None


class Ping(Heard, frozen=True, kw_only=True, tag="ping"):
    """Answered by `pong`."""


Message = Authenticate | JoinChapter | Leave | ProgressUpdate | Ping
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_encoder = msgspec.json.Encoder()


def heard(text: str | bytes) -> Message:
    """Decode a client message. Raises Invalid for a name that stands twice, MsgspecError or ValueError otherwise."""
    try:
        strict_json(text)
        return _decoder.decode(text)
    except RecursionError as error:  # what stands in an unknown field is passed over level by level
        raise ValueError("too many levels") from error


def said(kind: str, **fields: Any) -> str:
    """Encode a message to a client; fields that are None are left out."""
    known = {name: value for name, value in fields.items() if value is not None}
    return _encoder.encode({"type": kind, **known}).decode()
