"""Events between processes: publish, subscribe, and the Redis stream that carries them."""
