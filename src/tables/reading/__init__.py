"""Understand tables: mark holes, infer forms, match a second file with a first one."""
