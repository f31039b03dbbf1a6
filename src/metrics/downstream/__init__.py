"""Models trained on a table: how useful it is, and how easily told from the real one."""
