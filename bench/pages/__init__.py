"""Measures of pages: script runs, live updates, memory."""
