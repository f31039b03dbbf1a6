"""How good tables are: scores of a synthetic table, its catalogue of metrics, and what it is compared with."""
