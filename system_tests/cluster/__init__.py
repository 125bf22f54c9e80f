"""A whole cluster on one machine, made of plain processes."""
