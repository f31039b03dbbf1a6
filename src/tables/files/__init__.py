"""A user's file as a table and back: reading, understanding, filling, pairing, writing."""
