"""Rules between columns: declared or found, and kept in rows that are drawn or filled."""
