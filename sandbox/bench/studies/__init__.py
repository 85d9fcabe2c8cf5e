"""Longer measurements of one question each, run by name alone."""
