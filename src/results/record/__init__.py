"""The record of one run: its folder, report, pictures, provenance."""
