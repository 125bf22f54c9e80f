"""The errors of the app, each with its HTTP status, a stable code and a sentence that a person may read."""

from collections.abc import Mapping
from typing import Any, ClassVar


class AppError(Exception):
    """Base of every error that is shown. `message` is safe to show; `details` is for programs."""

    status: ClassVar[int] = 500
    code: str = "error"

    def __init__(self, message: str, *, code: str | None = None, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details = dict(details) if details else None


class NotSignedIn(AppError):
    status = 401
    code = "not_signed_in"


class SecondFactorNeeded(NotSignedIn):
    """The password is right, and a code is needed too; `details` holds the challenge to send it with."""

    code = "second_factor_needed"


class NotAllowed(AppError):
    status = 403
    code = "not_allowed"


class NotFound(AppError):
    status = 404
    code = "not_found"


class Conflict(AppError):
    status = 409
    code = "conflict"


class ConfirmationNeeded(Conflict):
    """The act is possible but unlikely, so it needs a confirmation: repeat it with `confirm` set."""

    code = "confirmation_needed"


class Invalid(AppError):
    status = 422
    code = "invalid"


class TooLarge(Invalid):
    status = 413
    code = "too_large"


class RateLimited(AppError):
    status = 429
    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_seconds: float, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, details=details)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(AppError):
    """A dependency cannot be reached just now."""

    status = 503
    code = "unavailable"
    retry_after_seconds: ClassVar[float] = 5.0  # an election takes that long where it is set up well
