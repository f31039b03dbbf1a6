"""The record of a run: its folder, report, pictures, and their mirror on Weights & Biases."""
