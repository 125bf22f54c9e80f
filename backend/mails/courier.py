"""Takes letters to the server: a thread that any process with background work has; each letter is claimed by one."""

import threading

from backend.errors import AppError
from backend.kit.observability import log
from backend.mails.service import MailService

LOOK_SECONDS = 3.0

_log = log.get(__name__)


class Courier:
    """Looks every three seconds; a letter leaves within so long of being written."""

    def __init__(self, mails: MailService, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._mails = mails
        self._look = look_seconds

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set; whatever fails is logged and tried again."""
        while not stop.wait(self._look):
            try:
                self._mails.deliver(should_stop=stop.is_set)
            except AppError as error:
                _log.warning("mail_courier_waits", error=error.message)
            except Exception:  # noqa: BLE001 - the other letters must go, whatever it was
                _log.exception("mail_courier_failed")
