"""Faults made on purpose, for trials and tests."""
