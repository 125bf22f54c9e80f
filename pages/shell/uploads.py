"""Files that people choose on a page: the one way to ask for them, and until when they are held.

A tab holds one file, in memory, while its page shows an uploader. Which uploads are let in at all:
backend/api/middleware/page_addresses.py.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import streamlit as st
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import RerunException, get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from backend.accounts.models import Viewer
from backend.chapters.models import MAX_FILE_BYTES
from backend.kit.upload_quota import Usage

_owners: dict[str, str] = {}  # of tabs that show an uploader: the id of the person who looks at it
_drawn: set[str] = set()  # tabs whose present run has drawn one


def uploader(viewer: Viewer, label: str, kinds: Sequence[str], key: str) -> UploadedFile | None:
    """Draw the page's uploader; return the file that was chosen."""
    tab = _tab()
    _owners[tab] = viewer.id
    _drawn.add(tab)
    return st.file_uploader(label, type=kinds, key=key, max_upload_size=MAX_FILE_BYTES // 1024**2)


@contextmanager
def page_run() -> Iterator[None]:
    """Around each whole run of a page: after one that has drawn no uploader, the tab holds no file any more."""
    tab = _tab()
    _drawn.discard(tab)
    goes_on = False
    try:
        yield
    except RerunException:
        goes_on = True  # in the next run
        raise
    finally:
        if tab not in _drawn and not goes_on:
            let_go(tab)


def let_go(tab: str = "") -> None:
    """Drop the files of a tab (this one, where none is named), and take none from it."""
    tab = tab or _tab()
    _owners.pop(tab, None)
    _drawn.discard(tab)
    files = _files()
    if files:
        files.remove_session_files(tab)


class OpenTabs:
    """The tabs of this process, as the middleware of uploads sees them."""

    def takes_file(self, tab: str, viewer_id: str) -> bool:
        return self.is_of(tab, viewer_id) and runtime.exists() and runtime.get_instance().is_active_session(tab)

    def is_of(self, tab: str, viewer_id: str) -> bool:
        return _owners.get(tab) == viewer_id

    def let_go_of_lost(self, viewer_id: str, *, but: str) -> None:
        for tab, owner in list(_owners.items()):
            if owner == viewer_id and tab != but and not runtime.get_instance().is_active_session(tab):
                let_go(tab)

    def held(self, viewer_id: str, *, but: str) -> Usage:
        sizes = [size for tab, size in _sizes() if tab != but and _owners.get(tab) == viewer_id]
        return Usage(len(sizes), sum(sizes))

    def held_by_everybody(self, *, but: str) -> int:
        return sum(size for tab, size in _sizes() if tab != but)

    def keep_only(self, tab: str, file: str) -> None:
        files = _files()
        if files is None:
            return
        for each in list(files.file_storage.get(tab, ())):
            if each != file or tab not in _owners:
                files.remove_file(tab, each)

    def disconnected(self) -> None:
        if not runtime.exists():
            return
        sessions, files = runtime.get_instance(), _files()
        gone = {
            tab for tab in [*_owners, *(files.file_storage if files else ())] if not sessions.is_active_session(tab)
        }
        # So long a tab that has lost its connection may come back, with all that it held.
        seconds = float(st.get_option("server.disconnectedSessionTTL"))
        asyncio.get_running_loop().call_later(seconds, _end, gone)


def _end(tabs: set[str]) -> None:
    """End the sessions of those `tabs` that have not come back."""
    if not runtime.exists():
        return
    sessions = runtime.get_instance()
    for tab in tabs:
        if not sessions.is_active_session(tab):
            sessions.close_session(tab)
            let_go(tab)


def _sizes() -> list[tuple[str, int]]:
    files = _files()
    held = list(files.file_storage.items()) if files else []
    return [(tab, len(each.data)) for tab, of_tab in held for each in list(of_tab.values())]


def _files() -> MemoryUploadedFileManager | None:
    found = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
    return found if isinstance(found, MemoryUploadedFileManager) else None


def _tab() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""
