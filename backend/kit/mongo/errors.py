"""The errors of MongoDB's driver, translated once into those that a door shows."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
)

from backend.errors import Conflict, Unavailable
from backend.kit.i18n import _
from backend.kit.mongo.guarded_client import MongoRefused, OutOfTime

DUPLICATE_KEY = 11000
NEVER_SENT = (ServerSelectionTimeoutError, MongoRefused, OutOfTime)


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors become AppErrors: Conflict for a duplicate, Unavailable for a database out of reach.

    Not for use inside a transaction's `work`: it would take away the labels by which the driver knows to try again.
    """
    try:
        yield
    except DuplicateKeyError as error:
        raise Conflict(_("That exists already.")) from error
    except BulkWriteError as error:
        if any(each["code"] == DUPLICATE_KEY for each in (error.details or {}).get("writeErrors", ())):
            raise Conflict(_("That exists already.")) from error
        _say_away(error)
        raise
    except (ConnectionFailure, OperationFailure) as error:
        _say_away(error)
        raise
    except PyMongoError as error:
        if error.timeout:
            raise Unavailable(_("The database took too long to answer. Please try again.")) from error
        raise


def _say_away(error: ConnectionFailure | OperationFailure) -> None:
    """Raises Unavailable where the server is out of reach: with what is known of the change, and no more."""
    details = getattr(error, "details", None) or {}
    is_unconfirmed = error.has_error_label("UnknownTransactionCommitResult") or isinstance(error, WriteConcernError)
    if is_unconfirmed or details.get("writeConcernErrors"):
        raise Unavailable(
            _("The database did not confirm in time. It may have been saved: please look before you try again."),
            code="unconfirmed",
        ) from error
    if error.has_error_label("TransientTransactionError") or isinstance(error, NEVER_SENT):
        sentence = _("The database cannot be reached just now. Nothing was changed; please try again.")
        raise Unavailable(sentence) from error
    if isinstance(error, ConnectionFailure | ExecutionTimeout):
        raise Unavailable(_("The database cannot be reached just now. Please try again in a moment.")) from error
