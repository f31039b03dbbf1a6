"""How good filled cells are."""
