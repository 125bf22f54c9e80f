"""The demo school: invented people and their work, made by the product's own services. Never in production.

Its own MongoDB collection: demo, which notes how far the making of the school has come.
"""

from backend.demo.school import DemoSignIns, is_unfinished, open_school

__all__ = ["DemoSignIns", "is_unfinished", "open_school"]
