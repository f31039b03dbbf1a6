"""The work of the commands: check a request and do it."""
