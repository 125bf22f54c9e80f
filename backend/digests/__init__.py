"""The weekly letter: to teachers about their classes, to students about their own week; for those who want it.

It has no MongoDB collection of its own; it reads users, and writes their field weeklyMail.
"""
