"""Measures of the product: ratios taken within one run, never timed tests. `make bench` runs them."""
