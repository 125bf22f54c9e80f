"""Mechanisms that know no learning word."""
