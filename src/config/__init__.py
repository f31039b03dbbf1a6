"""Requests: what a command was asked for, checked before anything begins."""
