"""Files of users: read, understand, fill, compare and write them."""
