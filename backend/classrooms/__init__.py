"""Classrooms, a teacher's groups of students: key figures, learners, and flags for those who need attention.

Its own MongoDB collection: classrooms. It writes memberships too, which belong to accounts.
"""
