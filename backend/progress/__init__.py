"""The progress of each student on each chapter, and the figures computed from it: totals, streak, plan.

Its own MongoDB collections: progress, activity, studyDays, summaries, recounts and gates.
"""
