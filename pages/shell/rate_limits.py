"""Rate limits of changes made on pages: the same limits as for programs, counted separately.

Nobody who clicks meets them; a script that clicks for somebody does. Reading is not counted.
"""

from backend.accounts.models import Viewer
from backend.kit.origin import origin
from backend.limits.models import Kind
from pages.shell import services, session


def count_change(viewer: Viewer) -> None:
    """One change by the viewer. Raises RateLimited with a sentence that says when to go on."""
    services.backend().limits.admit(viewer, "", "page")


def count_form() -> None:
    """One form that was sent; those of guests have counts of their own (`count_guest`). Raises RateLimited."""
    viewer = session.viewer_or_none()
    if viewer:
        count_change(viewer)


def count_guest(kind: Kind) -> None:
    """Count one act of a person who is not signed in, by their address. Raises RateLimited."""
    session.viewer_or_none()  # so that the address is known
    services.backend().limits.admit(None, origin().address, kind)


def count_import(viewer: Viewer) -> None:
    """One file that is read. Raises RateLimited."""
    services.backend().limits.admit(viewer, "", "page import")


def count_export(viewer: Viewer) -> None:
    """One file that is made. Raises RateLimited."""
    services.backend().limits.admit(viewer, "", "page export")
