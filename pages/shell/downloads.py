"""Files that pages give out, made when they are fetched, outside any run, for the person signed in by then; and the
message if a file cannot be made."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit import runtime
from streamlit.proto.BackMsg_pb2 import BackendOperationRequest
from streamlit.proto.ForwardMsg_pb2 import BackendOperationResponse, DeferredFileResponsePayload
from streamlit.runtime import app_session
from streamlit.runtime.backend_operation_handler import DeferredFileHandler
from streamlit.runtime.media_file_storage import MediaFileStorageError

from backend.accounts.models import Viewer
from backend.errors import AppError, Unavailable
from backend.kit.i18n import _, current_locale, use_locale
from backend.kit.observability import log
from backend.kit.origin import coming_from, origin
from pages.shell import errors, rate_limits, session
from pages.widgets.elements import plain

REFUSED = "shell.downloads.refused"
_log = log.get(__name__)


def fetched(make: Callable[[Viewer], bytes]) -> Callable[[], bytes]:
    """Return the callback of a download button: it calls `make` in the language of this run and counts an export.

    The callback checks the session again: a page may stay open for hours, and its connection can ask for the file
    without another run. It raises NotSignedIn, NotAllowed, RateLimited, and Unavailable for an unforeseen error; the
    page shows the message with its next run.
    """
    here, locale, viewer_by_then = origin(), current_locale(), session.asked_later()
    refused: list[str] = st.session_state.setdefault(REFUSED, [])
    _say(refused)

    def content() -> bytes:
        use_locale(locale)
        try:
            with coming_from(lambda: here), _foreseen():
                viewer = viewer_by_then()
                rate_limits.count_export(viewer)
                return make(viewer)
        except AppError as error:
            refused.append(error.message)
            raise

    return content


def speak() -> None:
    """Have refused downloads answered in the page's words instead of Streamlit's; app.py calls it once."""
    app_session.DeferredFileHandler = _Answering  # type: ignore[attr-defined]  # the one place where it is named


@contextmanager
def _foreseen() -> Iterator[None]:
    """Log an unforeseen error and raise Unavailable in its place."""
    try:
        yield
    except AppError:
        raise
    except Exception as error:
        raise Unavailable(errors.noted(error)) from error


def _say(refused: list[str]) -> None:
    """Show why there was no file until the reader closes it: Streamlit's own note stays for five seconds only."""
    while refused:
        st.toast(plain(refused.pop(0)), icon=":material/block:", duration="infinite")


class _Answering(DeferredFileHandler):
    """Streamlit's own, which has one English sentence for every failure, and a traceback in the log."""

    async def handle(self, request: BackendOperationRequest, session_id: str) -> BackendOperationResponse:
        answer = BackendOperationResponse(request_id=request.request_id)
        try:
            make = self._get_media_file_mgr().execute_deferred
            address = await asyncio.to_thread(make, request.deferred_file.file_id)
            answer.deferred_file.CopyFrom(DeferredFileResponsePayload(url=address))
        except MediaFileStorageError as error:
            refusal = error.__cause__
            _log.info("download_refused", reason=str(refusal or error))
            answer.error_msg = refusal.message if isinstance(refusal, AppError) else _too_old()
            _draw_anew(session_id)
        return answer


def _too_old() -> str:
    """The file's maker is gone: the process was exchanged, or the page lay in a sleeping tab."""
    return _("This page was out of date and has been drawn again. Please click once more.")


def _draw_anew(session_id: str) -> None:
    """Run the page whose file was refused: it says why, or asks to sign in."""
    info = runtime.get_instance()._session_mgr.get_active_session_info(session_id) if runtime.exists() else None
    if info:
        info.session.request_rerun(info.session._client_state)
