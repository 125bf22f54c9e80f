"""The opening of the demo school, on a thread of its own: a reload neither stops nor repeats it. Nothing is drawn."""

import threading
from contextvars import copy_context

import streamlit as st

from backend.errors import AppError
from backend.kit.i18n import _
from backend.kit.mongo.guarded_client import on_its_own
from backend.kit.observability import log
from pages.shell import services

_log = log.get(__name__)


class Opening:
    """How far it is, in shares of 1 and in words; `problem` is the sentence that ended an opening that failed."""

    def __init__(self) -> None:
        self.share = 0.0
        self.words = _("Opening the demo school …")
        self.problem = ""
        # The reader's language lives in a context variable, which a new thread does not inherit.
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name="demo-school", daemon=True)

    def start(self) -> None:
        """Begin; once only."""
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        # Here and not above: the demo school is large, and a real school never needs it.
        from backend.demo import open_school  # noqa: PLC0415 (needed once in a school's life)

        try:
            with on_its_own():
                open_school(services.backend(), on_progress=self._note)
        except AppError as error:
            self.problem = error.message
        except Exception as error:  # noqa: BLE001  (nothing is above a thread: the page must learn that it failed)
            _log.error("demo_school_failed", exc_info=error)
            self.problem = _("The demo school could not be opened. The log of the app says why.")

    def _note(self, done: int, total: int, words: str) -> None:
        self.share, self.words = (min(1.0, done / total) if total else 0.0), words


@st.cache_resource(show_spinner=False)
def _kept() -> tuple[list[Opening], threading.Lock]:
    """The openings of this process, which every tab watches."""
    return [], threading.Lock()


def current() -> Opening | None:
    """The opening of this process, running or over; None where nobody began one."""
    openings, _lock = _kept()
    return openings[-1] if openings else None


def is_running() -> bool:
    """Whether the demo school is being made at this moment."""
    opening = current()
    return opening is not None and opening.is_running


def start() -> None:
    """Begin to open the demo school, unless that goes on already."""
    openings, lock = _kept()
    with lock:
        if not is_running():
            opening = Opening()
            opening.start()
            openings[:] = [opening]
