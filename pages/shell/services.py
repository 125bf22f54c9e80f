"""The services of the pages: app.py installs them once, every page reads them."""

from backend.bootstrap import Backend

_installed: list[Backend] = []


def install(backend: Backend) -> None:
    """Let the pages of this process use `backend`."""
    _installed[:] = [backend]


def backend() -> Backend:
    """Return the services behind the pages."""
    return _installed[0]
