"""The parts of the wiring: what a backend is made of, group by group. backend/bootstrap.py puts them together."""
