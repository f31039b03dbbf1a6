"""Files of users: read and write them, and fill their holes."""
