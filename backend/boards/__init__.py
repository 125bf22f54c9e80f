"""Leaderboards, by choice: scope × period."""
