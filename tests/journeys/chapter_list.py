"""Parts of a student's chapter list in the browser."""

from playwright.sync_api import Locator, Page

from backend.chapters.models import Chapter


def row_of(page: Page, chapter: Chapter) -> Locator:
    """The row of a chapter."""
    return page.get_by_role("listitem").filter(has=page.get_by_role("link", name=chapter.chapter, exact=True))
