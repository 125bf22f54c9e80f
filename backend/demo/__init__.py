"""The demo school: invented people and their work, made by the product's own services. Never in production."""

from backend.demo.school import DemoSignIns, is_unfinished, open_school

__all__ = ["DemoSignIns", "is_unfinished", "open_school"]
