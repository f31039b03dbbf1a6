"""The tables that can be trained on, and their split into training and test rows."""
