"""The rights of a person over their data: to have it, to know who sees it, to have it deleted.

Its own MongoDB collections: deletions and tombstones. It reads and deletes those of holdings.py.
"""
