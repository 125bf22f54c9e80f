"""The health of the running system: checks in parallel, each bounded in time, kept for a few seconds."""

from backend.accounts.models import Viewer
from backend.operations.models import Health, Process, Readiness, Status


class OperationsService:
    def health(self, viewer: Viewer) -> Health:
        """Everything about the running system, at most 3 s old. Raises NotSignedIn, NotAllowed unless an admin."""
        raise NotImplementedError

    def status(self) -> Status:
        """What anybody may know, at most 3 s old: `is_ready` decides between HTTP 200 and 503. Never raises."""
        raise NotImplementedError

    def live(self) -> Process:
        """That this process runs; touches nothing else. Never raises."""
        raise NotImplementedError

    def ready(self) -> Readiness:
        """Whether MongoDB takes and gives back a value and the disk has room. Redis is soft: it never decides."""
        raise NotImplementedError
