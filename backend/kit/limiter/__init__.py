"""Rate limits by GCRA, in Redis with a fallback in memory, and the load governor."""
