"""The browser door: one file per page; a leading underscore means it is not a page."""
