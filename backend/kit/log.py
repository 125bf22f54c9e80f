"""Structured logs: one JSON object a line, names of events rather than sentences, never a secret."""

import logging
import sys
from typing import TextIO, cast

import structlog
from structlog.tracebacks import ExceptionDictTransformer


def configure(level: str = "INFO") -> None:
    """Send this process's log to standard error as JSON lines from `level` on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
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


class _StandardError:
    """Standard error as it is when a line is written: a log that was made earlier follows whoever redirects it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
