"""Tests of a whole cluster on this machine: faults, failover, and hours of mixed work."""
