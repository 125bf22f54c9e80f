"""Figures over all students, kept by the projector."""
