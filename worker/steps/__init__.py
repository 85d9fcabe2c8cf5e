"""The run, verb by verb."""
