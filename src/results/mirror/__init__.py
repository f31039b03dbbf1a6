"""The mirror of runs and pages on Weights & Biases."""
