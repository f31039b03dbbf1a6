"""The command line: main and exit codes, axes of a request, sweeps, help, settings files."""
