"""The cost of reads over HTTP, beside a bare route in the same process."""
