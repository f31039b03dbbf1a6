"""The use cases: train, record, draw, fill a file, score an imputer, compare files, search."""
