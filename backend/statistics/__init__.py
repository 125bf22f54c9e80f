"""Figures over all students, kept by the projector.

Its own MongoDB collections: chapterStatistics, dayStatistics, projectorState and sharedFigures.
"""
