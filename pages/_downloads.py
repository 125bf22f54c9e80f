"""Files that pages give out: made when they are fetched, outside any run, for whoever is signed in by then."""

from collections.abc import Callable

from backend.accounts.models import Viewer
from backend.kit.i18n import current_locale, use_locale
from backend.kit.origin import coming_from, origin
from pages import _pace, _session


def fetched(make: Callable[[Viewer], bytes]) -> Callable[[], bytes]:
    """What a download button calls: `make`, in the language of this run and counted as an export.

    A page may stay open for hours, and whoever holds its connection can ask for the file without another run: so
    the session is looked at anew. What is given out raises NotSignedIn, NotAllowed, RateLimited.
    """
    here, locale, viewer_by_then = origin(), current_locale(), _session.asked_later()

    def content() -> bytes:
        use_locale(locale)
        with coming_from(lambda: here):
            viewer = viewer_by_then()
            _pace.count_export(viewer)
            return make(viewer)

    return content
