"""Datasets: load tables, and split them into training and test rows."""
