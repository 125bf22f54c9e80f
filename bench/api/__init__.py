"""What reads over HTTP cost, beside a bare route in the same process."""
