"""Tests, arranged as the source is: each states one fact in its docstring."""
