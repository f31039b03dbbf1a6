"""Training and sharded generation: the only package that knows Lightning."""
