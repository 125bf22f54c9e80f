"""Leaderboards by scope and period, for students who choose to join.

Its own MongoDB collection: boardState. Scores are read from summaries and studyDays.
"""
