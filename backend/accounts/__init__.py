"""People: their accounts, sign-in, sessions and memberships of classrooms.

Its own MongoDB collections: users, sessions, tickets, places and memberships (written by classrooms too).
"""
