"""Training and sharded generation, by Lightning."""
