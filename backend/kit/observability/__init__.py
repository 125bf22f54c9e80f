"""Metrics, logs, traces and memory settings."""
