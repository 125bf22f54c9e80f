"""Jobs by the clock, once in the whole cluster."""
