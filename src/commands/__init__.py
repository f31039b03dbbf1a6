"""The shell of the commands: main and exit codes, sweepers, settings files."""
