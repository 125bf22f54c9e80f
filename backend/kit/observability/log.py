"""Structured logs: one JSON object a line, names of events rather than sentences, never a secret.

Who and what a line is about (request_id, viewer_id, job) is bound to the work in hand; people stand in it by id alone.
"""

import logging
import sys
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any, TextIO, cast

import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars, get_contextvars
from structlog.tracebacks import ExceptionDictTransformer

LIBRARIES = ("streamlit", "uvicorn")  # whose loggers write by themselves unless they are told otherwise

_always: dict[str, str] = {}


def configure(level: str = "INFO") -> None:
    """Send this process's log to standard error as JSON lines from `level` on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _add_always,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without locals: they hold tokens, passwords and people's words.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False, max_frames=15)),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _StandardError())),
        cache_logger_on_first_use=True,
    )


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The log of one module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(module=name)
    return logger


def about(**facts: str | None) -> AbstractContextManager[None]:
    """Lines of this thread or task carry `facts` until the block is left, whatever is noted within it."""
    return bound_contextvars(**facts)


def note(**facts: str) -> None:
    """Lines carry `facts` from now on, until the block of `about` that names them is left."""
    bind_contextvars(**facts)


def fact(name: str) -> str:
    """Return the value bound to the log context under a name; "" if there is none."""
    return str(get_contextvars().get(name) or "")


def serve(**facts: str) -> None:
    """Every line of this process carries `facts` from now on, and libraries write their warnings as such lines too."""
    _always.update(facts)
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if not isinstance(each, _FromLibraries)] + [_FromLibraries()]
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in LIBRARIES:
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = [], True


def _add_always(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {**_always, **line}


class _FromLibraries(logging.Handler):
    """Write log records of libraries, from level WARNING up, as lines of our log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            failure = record.exc_info if record.exc_info and record.exc_info[0] else None
            write = get(record.name).error if record.levelno >= logging.ERROR else get(record.name).warning
            write("library", message=record.getMessage(), exc_info=failure)
        except Exception:  # noqa: BLE001 - what a library says badly must not fail the call that it was said in
            self.handleError(record)


class _StandardError:
    """Standard error, looked up for each line, so that an existing log follows a later redirection."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
