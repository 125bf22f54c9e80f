"""The demo school opened in the background, for a page that may be reloaded or closed meanwhile."""

import threading
from dataclasses import dataclass

from backend.bootstrap import Backend
from backend.demo.school import LEARNERS, DemoSignIns, open_school
from backend.errors import AppError, Unavailable
from backend.kit import log
from backend.kit.i18n import _

_log = log.get(__name__)


@dataclass(frozen=True)
class Stage:
    """How far the opening is; in the end either `sign_ins` or `error` is set."""

    done: int = 0
    total: int = LEARNERS
    line: str = ""
    sign_ins: DemoSignIns | None = None
    error: AppError | None = None

    @property
    def is_over(self) -> bool:
        return self.sign_ins is not None or self.error is not None


class Opening:
    """One opening of the demo school in a thread of its own. Keep it where all visitors find the same one."""

    def __init__(self, backend: Backend, *, count: int = LEARNERS) -> None:
        self._backend = backend
        self._count = count
        self._stage = Stage(total=count)
        self._thread = threading.Thread(target=self._run, name="demo-school-opening", daemon=True)

    def start(self) -> None:
        """Begin; call it once."""
        self._thread.start()

    @property
    def stage(self) -> Stage:
        """Where it stands; costs nothing to ask."""
        return self._stage

    def wait(self, timeout_seconds: float) -> Stage:
        """Where it stands when it is over, or after that time."""
        self._thread.join(timeout_seconds)
        return self._stage

    def _run(self) -> None:
        try:
            done = open_school(self._backend, count=self._count, on_progress=self._show)
            self._stage = Stage(self._stage.total, self._stage.total, sign_ins=done)
        except AppError as error:
            self._stage = Stage(self._stage.done, self._stage.total, error=error)
        except Exception:  # noqa: BLE001  (no door above a thread: whoever watches must learn that it failed)
            _log.exception("demo_school_failed")
            sentence = _("The demo school could not be opened. The log says why; please try again.")
            self._stage = Stage(self._stage.done, self._stage.total, error=Unavailable(sentence))

    def _show(self, done: int, total: int, line: str) -> None:
        self._stage = Stage(done, total, line)
